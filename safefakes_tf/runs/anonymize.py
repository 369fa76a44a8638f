"""--mode=anonymize: a folder of photos, to one without their faces."""

import contextlib
import functools
import itertools
import json
import pathlib
import shlex

import tensorflow as tf
import tqdm

import safefakes_tf
from safefakes_tf import anonymized_folder as written
from safefakes_tf import (
    arithmetic,
    atomic,
    finished,
    own_folders,
    own_photos,
    pipeline,
    review,
    unfinished,
)
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import fields, names, next_command
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors import found_faces
from safefakes_tf.detectors import registry as detectors
from safefakes_tf.keypoints import mediapipe, search
from safefakes_tf.own_folders import BOXES, LOG, METADATA, REVIEW
from safefakes_tf.own_inputs import Inputs
from safefakes_tf.photos import folder as photo_folder
from safefakes_tf.photos import inspection
from safefakes_tf.photos.box_files import found

# Settings that name files; digests tell of their content.
PATHS = (".weights", ".keypoint_models")


def run(settings: Anonymize, inputs: Inputs) -> None:
    """Anonymize photos, and write the boxes of their faces beside them.

    Every input is read once: the boxes that are hidden are those that are written. A
    photo goes to `<output>.partial`, which gets its name at the end; after an
    interruption the same command goes on there, see `unfinished`. Photos that the
    annotations do not name are left out, as nobody knows their faces. Without
    annotations a detector finds the faces of all photos.

    Args:
        settings: `input` is the folder of the photos, or a photo alone if faces are to
            be found; `annotations` a file of boxes or a folder of such files, see
            `box_files`, whose x and y count from the upper left of the photo as viewers
            show it, or None; `detection` how faces are found then; `output` the folder
            to make, with the photos, the annotations, `faces.csv` with what was done to
            each face, `review.html` and `metadata.json`; where faces were found, with
            `boxes.json`, which `annotations` may name. If it is finished, and would be
            the same now, nothing is done.
        inputs: the photos, as `own_inputs.checked` returns them for these settings.

    Raises:
        ValueError: if the weights or a model file are missing or broken, or the output
            cannot be written, or was begun or finished with other inputs or settings.
    """
    # === What is there ===
    data, output = settings.data, pathlib.Path(settings.output)
    anonymizer = registry.create(data.anonymizer, data.anonymization, settings.seed)
    _tell_weights(anonymizer, data.anonymization.weights)
    _share_resources(settings, anonymizer)
    known = {LOG, METADATA, REVIEW, *(inputs.annotations or [BOXES])}
    known |= {photo.filename for photo in inputs.listed}

    with contextlib.ExitStack() as stack:
        made_from = {**_texts(settings), "weights": str(anonymizer.weights_sha256)}
        # Annotated faces behind filters have equal bytes in every arithmetic.
        if anonymizer.weights_sha256 or not settings.annotations:
            made_from |= arithmetic.describe()
        detector, source = None, written.ANNOTATED
        if not settings.annotations:
            detector = stack.enter_context(detectors.opened(settings.detection))
            source = settings.detection.detector
            made_from |= _texts(settings, "detection.")
            made_from |= {"detector": detectors.described(detector)}
        made_from |= {"faces": source}
        stack.enter_context(_writing(output))
        if own_folders.is_finished(output):
            finished.check_same(output, made_from, inputs.folder, inputs.listed)
            unfinished.finish(output)  # a kill may have come before that
            print(f"--output {output} is complete, and nothing is to be done")
            return
        partial = stack.enter_context(unfinished.opened(output, made_from, known))

        # === Photo by photo ===
        _anonymize(settings, inputs, anonymizer, detector, partial)

        # === As a whole, or not at all ===
        own_photos.check_apart(inputs.listed, partial)
        done = {photo.filename: partial.done[photo.filename] for photo in inputs.listed}
        metadata = written.metadata(settings, anonymizer, detector, done)
        metadata |= finished.noted(made_from, done)
        boxed = written.boxed_photos(done)
        log = written.log(done, inputs.unreadable, source)
        atomic.write_text(partial.folder / LOG, log)
        for name, content in inputs.annotations.items():
            path = partial.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.writing(path) as file:
                file.write(content)
        if detector:
            atomic.write_text(partial.folder / BOXES, found.to_json(boxed))
        correction = _correction(settings, inputs)
        page = review.page(boxed, settings.detection.certain, correction)
        atomic.write_text(partial.folder / REVIEW, page)
        atomic.write_text(partial.folder / METADATA, json.dumps(metadata, indent=2))
        partial.publish(output)
    counts = written.counts_in_words(metadata["counts"], anonymizer)
    print(f"counts: {counts}{photo_folder.told(inputs.left_out)}")
    if inputs.unreadable:
        print(
            f"skipped: {len(inputs.unreadable)} photos that cannot be read: "
            f"{inspection.named(list(inputs.unreadable))}"
        )
    print(f"photos: {output}")
    print(f"faces:  {output / LOG}")
    if detector:
        print(review.summary(boxed, settings.detection.certain))
    boxes = output / _boxes_name(inputs)
    named = shlex.quote(f"--annotations={boxes}")
    print(f"review: open {output / REVIEW} in a browser;")
    print(f"        correct {boxes}, and run again with {named} --output=ANOTHER")


# === What is there ===


def _tell_weights(anonymizer, path):
    """Tell what a generator learnt from: nobody may have named its weights."""
    about = getattr(anonymizer, "about", None)
    if about is not None:
        print(f"weights: {path}, {about.origin}", flush=True)


def _share_resources(settings, anonymizer):
    """Let photos beside each other employ the processors.

    Two passes of a small network beside each other take a third less time than one
    after another on two processors.
    """
    detector = names.DETECTORS[settings.detection.detector]
    side_by_side = settings.annotations or detector.side_by_side
    if anonymizer.weights_sha256 or not side_by_side:
        return
    with contextlib.suppress(RuntimeError):  # a program that computed before decides
        tf.config.threading.set_intra_op_parallelism_threads(1)


@contextlib.contextmanager
def _writing(folder):
    """Tell in one line that a folder cannot be written, e.g. as the disk is full."""
    try:
        yield
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be written: {error}; once it can, the same command goes "
            "on there"
        ) from error


def _texts(settings, *prefixes):
    """Return the settings that photos depend on; flags and paths are left out."""
    prefixes = ("data.", "seed", *prefixes)
    return {
        "code_version": safefakes_tf.__version__,
        **{
            path: fields.show(value)
            for path, value in fields.flatten(settings).items()
            if path.startswith(prefixes) and not path.endswith(PATHS)
        },
    }


# === What is written ===


def _boxes_name(inputs):
    """Return the name in the output of the boxes that a person may correct."""
    first = next(iter(inputs.annotations), BOXES)  # companions come behind a file
    return first.split("/")[0]


def _correction(settings, inputs):
    """Return the command that makes another folder with corrected boxes.

    It names no path: the page may be published, and equal runs make equal pages.
    """
    boxes = shlex.quote(f"--annotations=THIS_FOLDER/{_boxes_name(inputs)}")
    return (
        f"{next_command.program()} --mode=anonymize "
        f"--anonymizer={settings.data.anonymizer} --input=YOUR_PHOTOS {boxes} "
        "--output=ANOTHER_FOLDER"
    )


# === Photo by photo ===


def _anonymize(settings, inputs, anonymizer, detector, partial):
    """Write the photos that are not there yet."""
    data, listed = settings.data, inputs.listed
    places = {photo.filename: place for place, photo in enumerate(listed, start=1)}
    bar = tqdm.tqdm(desc="anonymizing", total=len(listed), unit="photo")
    with bar, contextlib.ExitStack() as stack:
        detect = find = None
        if detector:
            margin = settings.detection.margin
            detect = functools.partial(found_faces.find, detector, margin=margin)
        if anonymizer.keypoints:
            # No lambda: other processes get it, pickled.
            create = functools.partial(
                mediapipe.MediaPipeDetector,
                data.keypoint_models,
                anonymizer.keypoints,
            )
            num = search.num_processes(len(listed) - len(partial.done))
            find = stack.enter_context(search.searching(create, num, upright=True))
        searched = itertools.count(1)

        def decode(record):
            decoded = own_photos.decode(inputs.folder, settings, detect, find, record)
            if detect or find:  # a search takes longest, and several photos wait for it
                bar.set_postfix(searched=next(searched))
            return decoded

        encode = functools.partial(own_photos.encode, partial.folder, data.jpeg_quality)
        photos = own_photos.read(inputs.folder, listed, partial)
        done = pipeline.anonymize(photos, anonymizer, decode, encode)
        for name, about in stack.enter_context(contextlib.closing(done)):
            partial.add(name, **about)
            bar.update(places[name] - bar.n)  # those before are there, too
        bar.update(len(listed) - bar.n)
