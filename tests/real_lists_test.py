"""Data sets of the study as people have them; skipped where they are not here."""

import gzip
import json

import numpy as np
import pytest
from PIL import Image

import main
from safefakes_tf import faces
from safefakes_tf.config import DataConfig
from tfds_builders import registry as builders
from tfds_builders.celeba import tables
from tfds_builders.pipa import index_file

PIPA_PHOTOS = 40
LARGEST_SIDE = 1600  # px of a made-up photo
ROUNDS = 50  # of CIAGAN
PEOPLE, PHOTOS_OF_ONE = 6, 8


@pytest.fixture
def pipa_list(shared_data, tmp_path):
    """Return the path of PIPA's list of heads."""
    path = tmp_path / "all_data.txt"
    packed = shared_data / "pipa" / "all_data.txt.gz"
    path.write_bytes(gzip.decompress(packed.read_bytes()))
    return path


def test_the_list_as_it_goes_around(pipa_list):
    """Counts of docs/specs/datasets.md; identities of three subsets are disjoint."""
    photos = index_file.read(pipa_list)
    subset = np.concatenate([photo.subset for photo in photos])
    identity = np.concatenate([photo.identity for photo in photos])
    np.testing.assert_array_equal(np.bincount(subset), [11437, 29223, 9642, 12886])
    people = [set(identity[subset == number]) for number in range(4)]
    assert [len(found) for found in people] == [54, 1409, 366, 581]
    assert not people[1] & people[2] | people[2] & people[3] | people[1] & people[3]
    of_photos = [sum(number in photo.subset for photo in photos) for number in range(4)]
    assert of_photos == [10483, 17000, 5684, 7868]
    assert index_file.to_text(photos).count("\n") == 63188


def write_pipa(listed, heads, folder, count):
    """Write photos of a list, spread over it: computer-made heads in the boxes.

    Returns:
        How many heads there are of each subset.
    """
    tiles = [Image.open(path).convert("RGB") for path in sorted(heads.glob("*.jpg"))]
    chosen = listed[:: len(listed) // count][:count]
    for number, photo in enumerate(chosen):
        far = (photo.heads[:, :2] + photo.heads[:, 2:]).max(axis=0) + 40
        canvas = Image.new("RGB", tuple(np.minimum(far, LARGEST_SIDE)), (120, 120, 120))
        for place, (x, y, width, height) in enumerate(photo.heads.tolist()):
            tile = tiles[(number + place) % len(tiles)]
            canvas.paste(tile.crop((50, 30, 270, 310)).resize((width, height)), (x, y))
        path = folder / photo.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.save(path)
    return np.bincount(np.concatenate([photo.subset for photo in chosen]), minlength=4)


@pytest.mark.slow
@pytest.mark.keypoints
def test_keypoints_are_found_in_the_heads_of_pipa(pipa_list, shared_data, tmp_path):
    raw = pipa_list.parent
    listed = index_file.read(pipa_list)
    counts = write_pipa(listed, shared_data / "cc0_heads", raw, PIPA_PHOTOS)
    data = DataConfig(
        dataset="pipa",
        allow_partial=True,
        data_dir=str(tmp_path / "data"),
        manual_dir=str(raw),
    )
    builder = builders.create_source_builder(data)
    builder.prepare()
    records = [
        record
        for split in builder.info.splits
        for record in builder.as_dataset(split=split).as_numpy_iterator()
    ]
    subset = np.concatenate([record[faces.SUBSET] for record in records])
    np.testing.assert_array_equal(np.bincount(subset, minlength=4), counts)
    large = np.concatenate([r[faces.HEAD_PIXELS][:, 2] >= 80 for r in records])
    found = np.concatenate([record[faces.HAS_KEYPOINTS] for record in records])
    print(f"{len(records)} photos, keypoints in {found[large].mean():.0%} of heads")
    assert found[large].mean() > 0.5
    for record in records:
        head = record[faces.HEAD_PIXELS].astype(int)
        box = record[faces.BBOX_PIXELS].astype(int)
        assert (box[:, :2] >= head[:, :2] - 1).all()
        assert (box[:, :2] + box[:, 2:] <= head[:, :2] + head[:, 2:] + 1).all()


def write_celeba(photos, folder):
    """Lay photos of known people out as CelebA, faces supposed in the middle."""
    names = {}
    for number, person in enumerate(sorted(photos.iterdir())[:PEOPLE]):
        for path in sorted(person.glob("*.jpg"))[:PHOTOS_OF_ONE]:
            names[path.name] = (number + 1, path)
    contents = {name: {} for name in tables.TITLES}
    place = folder / "Img" / "img_celeba"
    place.mkdir(parents=True)
    for name, (identity, path) in names.items():
        (place / name).write_bytes(path.read_bytes())
        width, height = Image.open(path).size
        box = np.array([width * 0.3, height * 0.25, width * 0.4, height * 0.45])
        five = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
        contents[tables.BOXES][name] = tuple(box.astype(int))
        contents[tables.POINTS][name] = tuple(
            (five * box[2:] + box[:2]).astype(int).ravel()
        )
        contents[tables.IDENTITIES][name] = (identity,)
        contents[tables.PARTITION][name] = (0,)
    for name in (tables.BOXES, tables.POINTS, tables.IDENTITIES, tables.PARTITION):
        path = folder / tables.places(name)[0]
        path.parent.mkdir(exist_ok=True)
        path.write_text(tables.to_text(name, contents[name]))
    return folder


@pytest.mark.slow
@pytest.mark.keypoints
@pytest.mark.usefixtures("graphs_as_traced", "shallow")
def test_ciagan_learns_from_celeba(shared_data, tmp_path):
    photos = shared_data / "faces_identity" / "celeba_in_the_wild"
    raw = write_celeba(photos, tmp_path / "raw")
    network = (
        "width_multiplier=0.0625",
        "discriminator_width_multiplier=0.0625",
        "resolution=8",
        f"num_identities={PEOPLE}",
    )
    batch, pairs = 2, 6  # of a round
    main.main(
        [
            *("--mode=train_anonymizer", "--config=tiny", "--anonymizer=ciagan"),
            *("--dataset=celeba", f"--manual_dir={raw}", f"--data_dir={tmp_path}"),
            f"--workdir={tmp_path / 'run'}",
            f"--set=gan.total_images={ROUNDS * batch * pairs}",
            *("--set=loop.checkpoint_every=1000", "--set=loop.log_every=10"),
            *(f"--set=network.{setting}" for setting in network),
        ]
    )
    lines = (tmp_path / "run" / "8px" / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] == ROUNDS
    assert np.isfinite([value for value in last.values() if value is not None]).all()
