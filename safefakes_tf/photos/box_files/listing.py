"""What readers of annotation files find: photos, boxes on them, and mistakes."""

import collections
import contextlib
import math
import reprlib
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from safefakes_tf.photos.box_files.photo_boxes import is_text, spelled

MOST_TOLD = 10  # mistakes of a file
LONGEST_NAME = 4096  # letters; no system has longer paths
MOST_LETTERS = 200  # of a mistake


class Box(NamedTuple):
    """A box as it is annotated.

    Attributes:
        values: x, y, width and height, finite; the last two are above 0.
        category: what the file calls it; None where it tells nothing.
        crowd: whether it is a region of many faces.
        identity: whose face it is; None where the file tells nothing.
    """

    values: tuple[float, ...]
    category: str | None = None
    crowd: bool = False
    identity: str | None = None


class Listing:
    """Photos and boxes in the order of their file; equal names are one photo.

    Readers note what is wrong and go on, so that all mistakes are told at once.

    Attributes:
        boxes: the `Box`es of each photo, by its name.
        sizes: width and height of photos in pixels, where the file tells them.
        mistakes: a line for each, which says where it is.
        skipped: how many entries were passed over, by the reason.
    """

    def __init__(self):
        """Begin with nothing."""
        self.boxes: dict[str, list[Box]] = {}
        self.sizes: dict[str, tuple[int, int]] = {}
        self.mistakes: list[str] = []
        self.skipped: collections.Counter[str] = collections.Counter()

    def photo(self, place: str, filename: Any, size: Sequence[Any] = ()) -> str | None:
        """Note a photo, which may have no boxes.

        Args:
            place: in the file, for messages.
            filename: a text, as the file has it.
            size: width and height in pixels; what is empty or 0 tells nothing.

        Returns:
            The name to `add` boxes under; None if it is none, which is noted.
        """
        if (
            not isinstance(filename, str)
            or spelled(filename) in ("", ".")
            or any(ord(letter) < ord(" ") for letter in filename)
            or not is_text(filename)
            or len(filename) > LONGEST_NAME
        ):
            self.refuse(place, f"expected the name of a photo; got {shown(filename)}")
            return None
        name = spelled(filename)
        self.boxes.setdefault(name, [])
        with self.at(place):
            told = tuple(int(float(side or 0)) for side in size)
            if all(told) and told and self.sizes.setdefault(name, told) != told:
                raise ValueError(f"{name} has another size than before: {told}")
        return name

    def add(
        self,
        place: str,
        name: str,
        values: Sequence[Any],
        category: str | None = None,
        crowd: bool = False,
        identity: str | None = None,
    ) -> None:
        """Note a box of a photo, or what is wrong with it.

        Args:
            place: in the file, for messages.
            name: as `photo` returned it.
            values: x, y, width and height, as numbers or texts.
            category: see `Box`.
            crowd: see `Box`.
            identity: see `Box`.
        """
        with self.at(place):
            numbers = tuple(float(value) for value in values)
            if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
                raise ValueError(
                    f"a box must be four finite numbers; got {shown(values)}"
                )
            if min(numbers[2:]) <= 0:  # somebody saw a face there, and it would stay
                raise ValueError(
                    "a box must have a width and a height above 0; got "
                    f"{' '.join(f'{number:g}' for number in numbers)} on {name}; "
                    "correct it, or take it out"
                )
            self.boxes[name].append(Box(numbers, category, crowd, identity))

    def refuse(self, place: str, reason: str) -> None:
        """Note a mistake."""
        mistake = f"{place}: {' '.join(reason.split())}"
        self.mistakes.append(textwrap.shorten(mistake, MOST_LETTERS))

    @contextlib.contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Note as a mistake that an entry is not of its form."""
        try:
            yield
        except KeyError as error:
            self.refuse(place, f"expected {error.args[0]!r}, which is not there")
        except OverflowError:
            self.refuse(place, "it has a number that is too large")
        except (ValueError, TypeError, AttributeError) as error:
            self.refuse(place, str(error))

    def check(self, what: str) -> None:
        """Tell of the mistakes, if there are any; `what` is the file and its format.

        Raises:
            ValueError: with the first of them, and their number.
        """
        if not self.mistakes:
            return
        told, more = "; ".join(self.mistakes[:MOST_TOLD]), len(self.mistakes)
        rest = f"; and {more - MOST_TOLD} more" if more > MOST_TOLD else ""
        count = f"{more} mistakes: " if more > 1 else ""
        raise ValueError(f"{what}: {count}{told}{rest}")


def shown(value: Any) -> str:
    """Return a value of a file for a message: short, and in one line."""
    return reprlib.repr(value)
