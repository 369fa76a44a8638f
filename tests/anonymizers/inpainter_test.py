"""What generators see, what becomes of their failures, and their stored data sets."""

import json
import pathlib

import fake_keypoints
import numpy as np
import pytest
import tensorflow as tf
import toy_faces

from safefakes_tf.anonymizers import registry as anonymizers
from safefakes_tf.config import AnonymizationConfig, names
from safefakes_tf.faces import ACTION, BLACKED_OUT, FILENAME, GENERATED, IMAGE, Faces
from safefakes_tf.ops import regions as region_ops
from tfds_builders.builder_config import AnonymizedConfig

SEED = tf.constant(1, tf.int64)
# A large face with a small one at its ear, and one far away.
BOXES = np.float32([[0.2, 0.2, 0.7, 0.5], [0.3, 0.52, 0.5, 0.64], [0.7, 0.8, 0.9, 0.9]])


@pytest.fixture(scope="module", params=names.generators())
def method(request, anonymization):
    return anonymizers.create(request.param, anonymization(request.param), seed=0)


@pytest.fixture(scope="module")
def stored(method, tmp_path_factory):
    """Return the builder of a data set that a method anonymized."""
    config = AnonymizedConfig(
        anonymizer=method.name, anonymization=method.config, image_format="png"
    )
    folder = tmp_path_factory.mktemp(method.name)
    builder = toy_faces.ToyFaces(config=config, data_dir=str(folder))
    builder.prepare()
    return builder


@pytest.fixture(scope="module", params=["sun2018", "deepprivacy"])
def square_method(request, anonymization):
    return anonymizers.create(request.param, anonymization(request.param), seed=0)


def some_faces(boxes=BOXES):
    points = fake_keypoints.in_boxes(boxes)
    return Faces(
        tf.constant(boxes), tf.constant(points), tf.ones([len(boxes)], tf.bool)
    )


def some_photo(size=(100, 120)):
    return tf.constant(np.random.default_rng(1).integers(1, 256, [*size, 3], np.uint8))


def test_generators_see_the_fill_in_place_of_every_face(method):
    tf.config.run_functions_eagerly(True)
    try:
        white = tf.fill([100, 120, 3], tf.constant(255, tf.uint8))
        hidden = method.hidden(white, some_faces())[..., tf.newaxis]
        red = tf.where(hidden, tf.constant([255, 0, 0], tf.uint8), white)
        inputs = method.cut(red, some_faces(), SEED).inputs
    finally:
        tf.config.run_functions_eagerly(False)
    # Red without green would be a face, or a mixture with one.
    name = "face" if method.name == "ciagan" else "patches"
    patches = inputs[name].numpy().astype(int)
    fill = getattr(method.about.config, "fill", 0)
    assert (patches == fill).any()
    assert (patches[..., 0] == patches[..., 1]).all()


@pytest.mark.parametrize("name", names.generators())
def test_an_option_lets_neighbours_be_seen(name, anonymization):
    options = anonymization(name, hide_neighbours=False)
    method = anonymizers.create(name, options, seed=0)
    assert not method.leak_free
    boxes = np.float32([[0.3, 0.2, 0.7, 0.45], [0.3, 0.5, 0.7, 0.75]])
    faces = some_faces(boxes)
    photo = np.full([120, 160, 3], 255, np.uint8)
    for face, colour in enumerate([(255, 0, 0), (0, 0, 255)]):
        alone = some_faces(boxes[face : face + 1])
        photo[method.hidden(tf.constant(photo), alone).numpy()] = colour
    inputs = method.cut(tf.constant(photo), faces, SEED).inputs
    inputs = method.generator_inputs(inputs, tf.zeros([2], tf.int64))
    first = inputs["face" if name == "ciagan" else "condition"][0].numpy()
    if name != "ciagan":
        first = first / 2 + 0.5
    blue = (first[..., 2] > 0.6) & (first[..., 0] < 0.4)
    red = (first[..., 0] > 0.6) & (first[..., 2] < 0.4)
    assert blue.any()
    # Published programmes hide after resizing, so a border may stay.
    assert red.mean() < 0.05


@pytest.mark.parametrize("name", names.generators())
def test_a_patch_that_is_not_finite_is_blacked_out(name, anonymization, monkeypatch):
    method = anonymizers.create(name, anonymization(name), seed=0)
    generator = method.generator

    def spoiled(inputs, training):
        outputs = generator(inputs, training=training)
        first = tf.range(tf.shape(outputs)[0]) == 0
        return tf.where(first[:, None, None, None], np.nan, outputs)

    monkeypatch.setattr(method, "generator", spoiled)
    photo, action = method.apply(some_photo(), some_faces(), SEED)
    np.testing.assert_array_equal(action, [BLACKED_OUT, GENERATED, GENERATED])
    black = region_ops.pixel_regions(tf.constant(BOXES[:1]), 100, 120)
    inside = region_ops.regions_mask(black, 100, 120)
    assert not photo.numpy()[inside.numpy()].any()
    others = region_ops.pixel_regions(tf.constant(BOXES[1:]), 100, 120)
    assert photo.numpy()[region_ops.regions_mask(others, 100, 120).numpy()].any()


def test_more_faces_than_a_chunk_holds(method):
    rng = np.random.default_rng(3)
    near = rng.uniform(0, 0.8, [11, 2])
    boxes = np.float32(np.concatenate([near, near + 0.15], axis=1))
    _, action = method.apply(some_photo(), some_faces(boxes), SEED)
    assert (action.numpy() == GENERATED).all()


@pytest.mark.parametrize(("gpus", "size"), [([], 4), (["one"], 64)])
def test_a_gpu_generates_more_faces_a_call(gpus, size, anonymization, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
        method = anonymizers.create("sun2018", anonymization("sun2018"), seed=0)
    generator, seen = method.generator, []

    def watched(inputs, training):
        outputs = generator(inputs, training=training)
        seen.append(outputs.shape[0])
        return outputs

    monkeypatch.setattr(method, "generator", watched)
    _, action = method.apply(some_photo(), some_faces(), SEED)
    assert seen == [size]
    assert (action.numpy() == GENERATED).all()


def test_keypoints_are_used_and_may_be_absent(square_method):
    method = square_method
    photo, faces = some_photo(), some_faces()
    with_points = method.anonymize(photo, faces, SEED).numpy()
    for keypoints, has in ((faces.keypoints, False), (faces.keypoints[:, :0], True)):
        none = Faces(faces.boxes, keypoints, tf.fill([3], has))
        without = method.anonymize(photo, none, SEED).numpy()
        assert (without != photo.numpy()).any()
        assert (without != with_points).any()
    empty = method.anonymize(photo, faces._replace(keypoints=tf.zeros([3, 0, 2])), SEED)
    np.testing.assert_array_equal(without, empty)


def test_paste_can_be_the_square_or_the_box(square_method, anonymization):
    method = square_method
    changed = {}
    for paste in ("square", "box", None):
        options = anonymization(method.name, paste=paste)
        each = anonymizers.create(method.name, options, seed=0)
        photo = some_photo()
        changed[paste] = each.mask(photo, some_faces()).numpy().sum()
    assert changed["square"] > changed["box"]
    published = {"deepprivacy": "square", "sun2018": "box"}[method.name]
    assert changed[None] == changed[published]


def test_a_stored_data_set_has_the_pixels_of_the_map_stage(method, stored):
    source = stored.source_builder()
    decode = source.info.features[IMAGE].decode_example
    records = source.encoded_with_keypoints("train")
    fly = records.map(lambda r: method({**r, IMAGE: decode(r[IMAGE])}))
    for record, other in zip(fly, stored.as_dataset(split="train"), strict=True):
        assert record[FILENAME] == other[FILENAME]
        np.testing.assert_array_equal(record[IMAGE], other[IMAGE])
        np.testing.assert_array_equal(record[ACTION], other[ACTION])


def test_a_stored_data_set_names_its_weights(method, stored):
    digest = stored.info.metadata["weights_sha256"]
    config = AnonymizedConfig(anonymizer=method.name, anonymization=method.config)
    assert config.name == f"{method.name}-{digest[:8]}"
    assert stored.builder_config.name.startswith(config.name)
    metadata = json.loads(pathlib.Path(stored.data_path, "metadata.json").read_text())
    assert metadata["weights_sha256"] == digest
    assert metadata["weights_origin"] == "random, for tests"
    assert metadata["demonstration_weights"] is False
    assert method.config.weights not in json.dumps(metadata)


def test_weights_are_asked_for_and_checked(anonymization, tmp_path):
    with pytest.raises(
        ValueError, match=r"^deepprivacy needs the weights .*--weights="
    ):
        anonymizers.create("deepprivacy", AnonymizationConfig(), seed=0)
    with pytest.raises(ValueError, match=r"^deepprivacy needs the weights"):
        AnonymizedConfig(anonymizer="deepprivacy")
    absent = AnonymizationConfig(weights=str(tmp_path / "no.npz"))
    with pytest.raises(ValueError, match=r"^no generator at .*no.npz: train it"):
        anonymizers.create("sun2018", absent, seed=0)
    other = AnonymizationConfig(weights=anonymization("sun2018").weights)
    with pytest.raises(
        ValueError, match="is a generator of sun2018; deepprivacy needs"
    ):
        anonymizers.create("deepprivacy", other, seed=0)
