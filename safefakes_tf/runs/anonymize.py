"""--mode=anonymize: a folder of photos, to one without their faces."""

import contextlib
import ctypes
import functools
import json
import pathlib

import tensorflow as tf
import tqdm

import safefakes_tf
from safefakes_tf import anonymized_folder as written
from safefakes_tf import (
    arithmetic,
    atomic,
    own_inputs,
    own_photos,
    pipeline,
    review,
    unfinished,
)
from safefakes_tf.anonymized_folder import BOXES, LOG, METADATA, REVIEW
from safefakes_tf.anonymizers import registry
from safefakes_tf.config import fields, names
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.detectors import found_faces
from safefakes_tf.detectors import registry as detectors
from safefakes_tf.keypoints import mediapipe, search
from safefakes_tf.photos import checks, inspection
from safefakes_tf.photos import folder as photo_folder

# By default threads free memory to up to eight heaps per processor, which keep it.
M_ARENA_MAX, HEAPS = -8, 2  # of malloc.h

OWN = (LOG, METADATA, unfinished.JOURNAL)  # nothing else in the output is called so


def run(settings: Anonymize, workdir: pathlib.Path) -> None:
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
            each face, and `metadata.json`; where faces were found, with `boxes.json`,
            which `annotations` may name, and `review.html`.
        workdir: not used.

    Raises:
        ValueError: if the anonymizer leaves faces as they are, the output is there
            already, annotations are malformed, a photo is missing or does not fit its
            boxes, photos do not decode and `skip_unreadable` is off, a model file is
            missing, the output cannot be written, or was begun with other inputs or
            settings.
    """
    # === What is there ===
    _check_hides(settings.data.anonymizer)
    data = settings.data
    anonymizer = registry.create(data.anonymizer, data.anonymization, settings.seed)
    _tell_weights(anonymizer, data.anonymization.weights)
    _share_resources(settings, anonymizer)
    output = _output(settings)
    if settings.annotations:
        _check_own(pathlib.Path(settings.annotations).name)
        inputs = own_inputs.annotated(settings)
        others = tuple(inputs.annotations)
    else:
        inputs, others = own_inputs.unannotated(settings), (BOXES, REVIEW)
    checks.check_names(inputs.listed, (*OWN, *(name.split("/")[0] for name in others)))
    inputs = own_inputs.inspected(inputs, settings)
    known = {LOG, METADATA, *others, *(photo.filename for photo in inputs.listed)}

    with contextlib.ExitStack() as stack:
        made_from = {**_texts(settings), "weights": str(anonymizer.weights_sha256)}
        # Annotated faces behind filters have equal bytes in every arithmetic.
        if anonymizer.weights_sha256 or not settings.annotations:
            made_from |= arithmetic.describe()
        detector, source = None, written.ANNOTATED
        if not settings.annotations:
            detector = stack.enter_context(detectors.opened(settings.detection))
            source = settings.detection.detector
            made_from |= _texts(settings, "detection.") | {"detector": detector.sha256}
        stack.enter_context(_writing(output))
        partial = stack.enter_context(
            unfinished.opened(output, {**made_from, "faces": source}, known)
        )

        # === Photo by photo ===
        _anonymize(settings, inputs, anonymizer, detector, partial)

        # === As a whole, or not at all ===
        done = {photo.filename: partial.done[photo.filename] for photo in inputs.listed}
        metadata = written.metadata(settings, anonymizer, detector, done)
        log = written.log(done, inputs.unreadable, source)
        atomic.write_text(partial.folder / LOG, log)
        for name, content in inputs.annotations.items():
            path = partial.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic.writing(path) as file:
                file.write(content)
        if detector:
            found = written.found_photos(done)
            written.write_found(partial.folder, found, settings.detection.certain)
        atomic.write_text(partial.folder / METADATA, json.dumps(metadata, indent=2))
        partial.publish(output)
    counts = ", ".join(f"{count} {name}" for name, count in metadata["counts"].items())
    print(f"counts: {counts}{photo_folder.told(inputs.left_out)}")
    if inputs.unreadable:
        print(
            f"skipped: {len(inputs.unreadable)} photos that cannot be read: "
            f"{inspection.named(list(inputs.unreadable))}"
        )
    print(f"photos: {output}")
    print(f"faces:  {output / LOG}")
    if detector:
        print(review.summary(found, settings.detection.certain))
        print(f"review: {output / REVIEW}, and correct {output / BOXES}")


# === What is there ===


def _check_hides(name):
    if name == "original":  # also what a config has where nothing was chosen
        choices = ", ".join(each for each in names.anonymizers() if each != name)
        raise ValueError(
            f"--anonymizer must be one of {choices}; got {name}, which leaves every "
            "face to be seen"
        )


def _output(settings):
    output = pathlib.Path(settings.output)
    with _writing(output):
        if (output / METADATA).exists():
            unfinished.remove_journal(output)
            raise ValueError(
                f"--output {output} is complete, as an earlier run left it; there is "
                "nothing to do, or name another folder"
            )
        if output.exists():
            raise ValueError(f"--output {output} is there already; name another folder")
    return output


def _check_own(name):
    if name.casefold() in OWN:  # in some file systems case is nothing
        raise ValueError(
            f"--annotations must not be called {', '.join(OWN)}, as the output has "
            f"files of these names; got {name}; rename it"
        )


def _tell_weights(anonymizer, path):
    """Tell what a generator learnt from: nobody may have named its weights."""
    about = getattr(anonymizer, "about", None)
    if about is not None:
        print(f"weights: {path}, {about.origin}", flush=True)


def _share_resources(settings, anonymizer):
    """Let photos beside each other employ the processors, and take less memory.

    Two passes of a small network beside each other take a third less time than one
    after another on two processors.
    """
    with contextlib.suppress(AttributeError):  # not the C library of most Linux systems
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, HEAPS)
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
            if path.startswith(prefixes) and not path.endswith(".weights")
        },
    }


# === Photo by photo ===


def _anonymize(settings, inputs, anonymizer, detector, partial):
    """Write the photos that are not there yet."""
    data, listed = settings.data, inputs.listed
    bar = tqdm.tqdm(listed, "anonymizing", unit="photo")
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
        decode = functools.partial(
            own_photos.decode, inputs.folder, settings, detect, find
        )
        encode = functools.partial(own_photos.encode, partial.folder, data.jpeg_quality)
        photos = own_photos.read(inputs.folder, bar, partial)
        done = pipeline.anonymize(photos, anonymizer, decode, encode)
        for name, about in stack.enter_context(contextlib.closing(done)):
            partial.add(name, **about)
