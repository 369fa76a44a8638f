"""Whether the folders of --mode=anonymize will do, before TensorFlow is loaded."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

from safefakes_tf import unfinished
from safefakes_tf.config import bundled, names
from safefakes_tf.config.modes import Anonymize
from safefakes_tf.photos import folder as photo_folder

# Beside the photos. A folder without the last is no finished one.
LOG, BOXES, REVIEW = "faces.csv", "boxes.json", "review.html"
METADATA = "metadata.json"


def check(settings: Anonymize, dry_run: bool = False) -> None:
    """Check what can be told at once.

    Args:
        settings: of the run.
        dry_run: whether faces are drawn only: then nobody needs to hide them.

    Raises:
        ValueError: if no anonymizer is named, it needs weights and the file of none is
            there, there is no photo, or the output is there already, and not finished,
            or would be an input of later runs.
    """
    photos, output = pathlib.Path(settings.input), pathlib.Path(settings.output)
    data = settings.data
    if not dry_run:
        _check_hides(data.anonymizer)
        if names.network(data.anonymizer):
            bundled.find_weights(data.anonymization.weights, data.anonymizer)
    if not settings.annotations:
        photo_folder.listing(photos)
    _check_outside(photos, output)
    if not (dry_run or is_finished(output)) and os.path.lexists(output):
        raise ValueError(f"--output {output} is there already; name another folder")


def is_finished(output: pathlib.Path) -> bool:
    """Tell whether a run has made a folder, and come to its end."""
    return (output / METADATA).exists()


@contextlib.contextmanager
def telling_what_is_done(settings: Anonymize, dry_run: bool) -> Iterator[None]:
    """Tell whoever stops a run how many photos are done, by what lies on the disk.

    Args:
        settings: of the run.
        dry_run: whether faces are drawn only, which does not go on later.

    Raises:
        KeyboardInterrupt: in place of another, with words for the user.
    """
    try:
        yield
    except KeyboardInterrupt:
        told = "a dry run starts anew" if dry_run else _done(settings)
        raise KeyboardInterrupt(f"stopped; {told}") from None


def _done(settings):
    output = pathlib.Path(settings.output)
    if is_finished(output):
        return f"{output} is complete"
    count = len(unfinished.results(output))
    return f"{count} photos are done, and the same command goes on from there"


def _check_hides(name):
    if name == "original":  # also what a config has where nothing was chosen
        choices = ", ".join(each for each in names.anonymizers() if each != name)
        raise ValueError(
            f"--anonymizer must be named, one of {choices}; {name} leaves every face "
            "to be seen"
        )


def _check_outside(photos, output):
    """Refuse an output among the photos: the next run would take it for input."""
    if photos.is_dir() and photos.resolve() in output.resolve().parents:
        raise ValueError(
            f"--output {output} lies in the folder of the photos, {photos}, and would "
            "be among them next time; name a folder beside it"
        )
