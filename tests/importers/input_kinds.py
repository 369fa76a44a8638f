"""Sound inputs of every kind, and what the product does with them."""

import collections
import dataclasses
import functools
import itertools
import json
import pathlib
import random
import shutil
from collections.abc import Callable
from typing import Any, NamedTuple

import input_edits as edits
import mutations
import numpy as np
import PIL.Image
import scipy.io
import tensorflow as tf
from photos import written_annotations

import main
from safefakes_tf import faces, similarity, unfinished, workdir
from safefakes_tf.anonymizers import generator_files
from safefakes_tf.config import adapt, modes, store
from safefakes_tf.config.similarity import SimilarityConfig
from safefakes_tf.detectors.dsfd import weights
from safefakes_tf.detectors.dsfd.trainer import DetectorTrainer
from safefakes_tf.evaluation import ground_truth, metric_tables, prediction_files
from safefakes_tf.importers import checkpoints
from safefakes_tf.keypoints import layouts
from safefakes_tf.photos import box_files, reader, stored
from safefakes_tf.training import loop, strategy
from safefakes_tf.training.batches import PhotoBatch, Positioned
from tfds_builders import keypoint_store
from tfds_builders import registry as builders

OLD = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "v0_4_0"


class Kind(NamedTuple):
    """A kind of input.

    Attributes:
        write: draw, folder -> writes a sound input into the folder.
        broken: which of its files may be broken, a glob.
        read: folder -> what the product does with it.
    """

    write: Callable[[random.Random, pathlib.Path], None]
    broken: str
    read: Callable[[pathlib.Path], Any]


def _noise(side=24):
    return np.random.default_rng(0).integers(0, 256, (side, 2 * side, 3), np.uint8)


def _write_photo(draw, folder):
    suffix, mode = draw.choice(PHOTOS)
    exif = PIL.Image.Exif()
    exif[reader.ORIENTATION] = draw.randrange(9)
    options = {"exif": exif} if suffix != "bmp" else {}
    PIL.Image.fromarray(_noise()).convert(mode).save(folder / f"1.{suffix}", **options)


PHOTOS = [
    *itertools.product(("jpg", "tiff"), ("RGB", "L", "CMYK")),
    *itertools.product(("png", "webp", "bmp"), ("RGB", "L")),
    *itertools.product(("png", "tiff"), ("RGBA", "P", "I;16", "1")),
]


def _read_upright(folder):
    (path,) = folder.iterdir()
    with reader.reading(path):
        reader.decode_upright(path.read_bytes())


def _read_stored(folder):
    (path,) = folder.iterdir()
    for upright in (False, True):
        stored.check(path.read_bytes(), path.name, upright)


def _write_boxes(draw, folder):
    written_annotations.write(folder, draw.choice(sorted(written_annotations.FORMATS)))


def _read_boxes(folder):
    (path,) = folder.iterdir()
    box_files.load(path)


def _column(items):
    column = np.empty((len(items), 1), object)
    column[:, 0] = items
    return column


def _write_truth(draw, folder):
    """Write what WIDER FACE's tools hold: two photos with two faces each."""
    photos = {"event_list": _column(["e"]), "file_list": _column([_column(["1", "2"])])}
    boxes = [np.float64([[3, 4, 10, 12], [1, 1, 5, 5]])] * 2
    of_photos = {"face_bbx_list": boxes, **dict.fromkeys(LISTS, [np.uint8([[1]])] * 2)}
    for variable, values in of_photos.items():
        name = LISTS.get(variable, "wider_face_val.mat")
        name, variable = name, variable.split()[0]
        content = {**photos, variable: _column([_column(values)])}
        scipy.io.savemat(folder / name, content, do_compression=draw.random() < 0.5)


LISTS = {
    f"gt_list {name}": f"wider_{name}_val.mat" for name in ("easy", "medium", "hard")
}
TRUTH = ground_truth.from_records(
    [(f"e/{n}.jpg", np.int32([[3, 4, 10, 12], [1, 1, 5, 5]])) for n in (1, 2)], ()
)


def _write_predictions(draw, folder):
    for number in (1, 2):
        boxes, scores = [[3.5, 4, 10, 12], [1, 1, 5, 5]], [0.9, 1e-5]
        prediction_files.write(folder, f"e/{number}.jpg", boxes, scores)


def _write_settings(draw, folder):
    mode = draw.choice(sorted(modes.MODES))
    content = store.to_json(modes.MODES[mode].settings())
    if draw.random() < 0.3:
        content = (OLD / "detector" / workdir.CONFIG).read_text()
    (folder / workdir.CONFIG).write_text(content)
    (folder / workdir.METRICS).touch()


def _read_settings(folder):
    workdir.claim(adapt(modes.MODES["train_detector"].settings(), "evaluate"), folder)


def _write_arguments(draw, folder):
    """Write flags and settings, as they may be typed, one a line."""
    mode = draw.choice(sorted(modes.MODES))
    settings = json.loads(store.to_json(modes.MODES[mode].settings()))
    paths = [
        f"--set={group}.{name}={value}"
        for group, values in settings.items()
        if isinstance(values, dict)
        for name, value in values.items()
    ]
    flags = ["--seed=3", "--anonymizer=ciagan", "--dataset=widerface", "--config=tiny"]
    chosen = draw.choices([*paths, *flags], k=3)
    (folder / "flags.txt").write_text("\n".join([f"--mode={mode}", *chosen]))


def _read_arguments(folder):
    text = (folder / "flags.txt").read_bytes().decode("utf-8", "surrogateescape")
    main_of_product([*text.split("\n"), "--dry_run"])


main_of_product = main.main


def _write_generator(draw, folder):
    name = draw.choice(("sun2018", "deepprivacy"))
    shutil.copy(OLD / "generator" / f"{name}.npz", folder / "generator.npz")
    if draw.random() < 0.7:
        with np.load(folder / "generator.npz") as file:
            arrays = dict(file)
        told = str(arrays.pop(generator_files.ABOUT)).encode()
        about = edits.edit_json(draw, told).decode("utf-8", "replace")
        np.savez(folder / "generator.npz", about=about, **arrays)


def _read_generator(folder):
    generator_files.read(folder / "generator.npz")


def _write_checkpoint(draw, folder):
    _, content = mutations.mutated(draw.randrange(10**6))
    (folder / f"some{draw.choice(('.pth', '.npz'))}").write_bytes(content)


def _read_checkpoint(folder):
    (path,) = folder.iterdir()
    checkpoints.read(path, ("state_dict",))


def _write_table(draw, folder):
    rows = [{"anonymizer": "blur", "easy": 81.25, "mAP": 50.5, "l1": float("nan")}]
    metric_tables.write(folder / workdir.VALUES, rows * 3)


def _read_table(folder):
    metric_tables.read(folder / workdir.VALUES)


MADE_FROM = {"seed": "0", "weights": "ab12"}


def _write_journal(draw, folder):
    with unfinished.opened(folder / "out", MADE_FROM, ["1.jpg"]) as partial:
        (partial.folder / "1.jpg").touch()
        partial.add("1.jpg", action=[1, 0], sha256="ab")


def _read_journal(folder):
    with unfinished.opened(folder / "out", MADE_FROM, ["1.jpg"]):
        pass


def _write_comparison(draw, folder):
    told = {"values": {"l1": 0.5}, "settings": dataclasses.asdict(COMPARED), "faces": 3}
    (folder / workdir.SIMILARITY_OF_PART).write_text(json.dumps(told))


def _read_comparison(folder):
    data = dataclasses.replace(_of_0_4_0().data, dataset="none")  # else it is computed
    similarity.described(data, 0, COMPARED, folder / workdir.SIMILARITY_OF_PART)


COMPARED = SimilarityConfig(metrics=("l1",))


def _of_0_4_0():
    """Return the settings of version 0.4.0's runs."""
    return store.read(OLD / "detector" / workdir.CONFIG, "train_detector")


def _write_data_set(draw, folder):
    shutil.copytree(OLD / "derived", folder, dirs_exist_ok=True)


def _read_data_set(folder):
    data = dataclasses.replace(_of_0_4_0().data, data_dir=str(folder))
    builder = builders.create_builder(data, 0)
    for each in (builder, builder.source_builder()):
        builders.prepare(each, "train")
        for split in each.SPLITS:
            collections.deque(each.as_dataset(split=split), maxlen=0)


def _write_keypoints(draw, folder):
    (folder / keypoint_store.FOLDER).mkdir()
    keypoints = np.zeros([3, layouts.NUM_FOUND, 2], np.float32)
    np.savez(
        folder / keypoint_store.FOLDER / "train-00000.npz",
        names=np.array([b"1.jpg", b"2.jpg"]),
        counts=np.int64([2, 1]),
        keypoints=keypoints,
        source=np.int64([1, 0, 2]),
    )


def _read_keypoints(folder):
    records = tf.data.Dataset.from_tensor_slices({faces.FILENAME: ["1.jpg", "2.jpg"]})
    attached = keypoint_store.attach(records, folder, "train", None)
    collections.deque(attached, maxlen=0)


def _write_detector(draw, folder):
    _trainer()  # before the time is taken
    shutil.copytree(OLD / "detector", folder, dirs_exist_ok=True)


def _read_detector(folder):
    model = _trainer().items["model"]
    path = folder / workdir.DETECTOR_WEIGHTS
    weights.load_detector(_of_0_4_0().model, path, model)


def _write_training(draw, folder):
    _trainer()
    shutil.copytree(OLD / "interrupted", folder, dirs_exist_ok=True)


def _read_training(folder):
    progress = loop._Progress(_trainer(), strategy.create("cpu"), folder)
    loop._Log(folder, progress.restore())


@functools.cache
def _trainer():
    settings = _of_0_4_0()
    side = settings.model.input_size
    image = tf.zeros([1, side, side, 3], tf.uint8)
    photos = PhotoBatch(image, tf.zeros([1, 16, 4]), [0])
    dataset = tf.data.Dataset.from_tensors(Positioned(photos, [0]))
    return DetectorTrainer(settings, dataset)


KINDS = {
    "upright photo": Kind(_write_photo, "*", _read_upright),
    "stored photo": Kind(_write_photo, "*", _read_stored),
    "annotations": Kind(_write_boxes, "**/*", _read_boxes),
    "ground truth": Kind(_write_truth, "*", ground_truth.load),
    "predictions": Kind(
        _write_predictions, "*/*", lambda folder: prediction_files.read(folder, TRUTH)
    ),
    "settings": Kind(_write_settings, workdir.CONFIG, _read_settings),
    "flags": Kind(_write_arguments, "*", _read_arguments),
    "generator": Kind(_write_generator, "*", _read_generator),
    "checkpoint": Kind(_write_checkpoint, "*", _read_checkpoint),
    "table": Kind(_write_table, "*", _read_table),
    "journal": Kind(_write_journal, "*/*.jsonl", _read_journal),
    "comparison": Kind(_write_comparison, "*", _read_comparison),
    "data set": Kind(_write_data_set, "**/1.0.0/*", _read_data_set),
    "keypoints": Kind(_write_keypoints, "*/*.npz", _read_keypoints),
    "detector": Kind(_write_detector, workdir.DETECTOR_WEIGHTS, _read_detector),
    "training": Kind(_write_training, "**/*", _read_training),
}
