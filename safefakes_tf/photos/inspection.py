"""Whether photos decode, before anything is made of them."""

import contextlib
import functools
import math
import pathlib
import threading
from collections.abc import Sequence
from typing import NamedTuple

import tqdm

from safefakes_tf import printing
from safefakes_tf.photos import cut_jpegs, reader

LARGE = 2**25  # pixels of a photo from which on threads look at one at a time
NUM_NAMED = 10  # that a message names; more make nobody wiser
_large = threading.Lock()


class Seen(NamedTuple):
    """What a photo is found to be.

    Attributes:
        size: height and width in pixels, as viewers show it.
        turned: whether the stored pixels lie otherwise.
        whole: whether the file is; else it lacks its last bytes, see `cut_jpegs`.
    """

    size: tuple[int, int]
    turned: bool
    whole: bool = True


class Inspected(NamedTuple):
    """What photos are found to be, by their names.

    Attributes:
        seen: of those that decode.
        unreadable: why not, of the others.
    """

    seen: dict[str, Seen]
    unreadable: dict[str, str]


def inspect(
    folder: pathlib.Path, filenames: Sequence[str], max_megapixels: float
) -> Inspected:
    """Look at photos, several at a time, and print which of them lack their last bytes.

    Args:
        folder: of the photos.
        filenames: relative to it.
        max_megapixels: that a photo may have.
    """
    inspected = Inspected({}, {})
    look_at = functools.partial(_look, folder, max_megapixels)
    found = reader.map_ahead(look_at, filenames)
    bar = tqdm.tqdm(found, "checking", total=len(filenames), unit="photo")
    for name, seen in zip(filenames, bar, strict=True):
        kept = inspected.seen if isinstance(seen, Seen) else inspected.unreadable
        kept[name] = seen
    cut = [name for name, seen in inspected.seen.items() if not seen.whole]
    if cut:
        print(
            f"warning: {len(cut)} of {len(filenames)} photos lack their last bytes, "
            f"and are read as far as they go: {named(cut)}"
        )
    return inspected


def refuse_unreadable(inspected: Inspected, flag: str = "--skip_unreadable") -> None:
    """Refuse photos that do not decode, if there are any.

    Args:
        inspected: see `inspect`.
        flag: by which a user goes on without them.

    Raises:
        ValueError: naming the first ten, and how many there are.
    """
    seen, unreadable = inspected
    if unreadable:
        reasons = [f"{name}: {reason}" for name, reason in unreadable.items()]
        raise ValueError(
            f"{len(unreadable)} of {len(seen) + len(unreadable)} photos cannot be read "
            f"({named(reasons, '; ')}); replace them, take them out of the "
            f"annotations, or go on without them with {flag}"
        )


def named(names: Sequence[str], separator: str = ", ") -> str:
    """Return the first ten names in a line, and whether there are more.

    Characters that a terminal would obey are escaped.
    """
    more = ["…"] * (len(names) > NUM_NAMED)
    return separator.join([*map(printing.escaped, names[:NUM_NAMED]), *more])


def look(path: pathlib.Path, max_megapixels: float = reader.MAX_MEGAPIXELS) -> Seen:
    """Tell how large viewers show a photo, and make sure that it decodes.

    Of a JPEG file an eighth of width and height is computed, though all of it is read.

    Args:
        path: of the file.
        max_megapixels: that the photo may have.

    Raises:
        One of `reader.UNREADABLE`: see `reader.decode_upright`.
    """
    encoded = path.read_bytes()
    with reader.opened(encoded, max_megapixels) as image:
        size, turned = reader.upright_size(image), reader.is_turned(image)
        with _large if math.prod(size) > LARGE else contextlib.nullcontext():
            return Seen(size, turned, _is_whole(image, encoded))


def _look(folder, max_megapixels, name):
    """Return what a photo is found to be, or why it does not decode."""
    try:
        return look(folder / name, max_megapixels)
    except reader.UNREADABLE as error:
        return " ".join(str(error).split())  # some are of several lines


def _is_whole(image, encoded):
    image.draft(image.mode, (1, 1))
    try:
        reader.in_8_bits(image)
    except OSError:
        if not encoded.startswith(cut_jpegs.BEGINNING):
            raise
        cut_jpegs.mended(encoded)
        return False
    return True
