"""What benchmarks make up to measure on."""

from benchmarks import two_versions


def test_the_faces_of_a_photo_lie_beside_each_other(tmp_path):
    two_versions.make_photos(tmp_path, 1, megapixels=0.01)
    text = (tmp_path / "wider_face_split" / two_versions.BOXES).read_text()
    name, count, *boxes = text.splitlines()
    assert (tmp_path / "WIDER_val" / "images" / name).exists()
    assert count == "4"
    assert len(boxes) == 4
    end = 0
    for box in boxes:
        left, top, width, height = map(int, box.split()[:4])
        assert left >= end
        end = left + width
        assert top + height <= 81  # of 121 x 81 px
    assert end <= 121
