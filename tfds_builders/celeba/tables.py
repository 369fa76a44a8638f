"""CelebA's tables, as its authors give them out, or as CSV.

Source: datasets.md, CelebA with identities.
"""

import pathlib
import re

from tfds_builders import raw_data

BOXES, POINTS = "list_bbox_celeba", "list_landmarks_celeba"
ALIGNED_POINTS = "list_landmarks_align_celeba"
IDENTITIES, PARTITION = "identity_CelebA", "list_eval_partition"
TITLES = {  # table -> its columns after the name of a photo
    BOXES: "x_1 y_1 width height",
    POINTS: "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x "
    "leftmouth_y rightmouth_x rightmouth_y",
    IDENTITIES: "identity",
    PARTITION: "partition",
}
TITLES[ALIGNED_POINTS] = TITLES[POINTS]
TITLED = (BOXES, POINTS, ALIGNED_POINTS)  # as text these tell count and columns first
_NAME = re.compile(r"[0-9]{1,9}\.jpg")
_LARGEST = 1_000_000  # px, or the number of a person; more is a mistake

Table = dict[str, tuple[int, ...]]  # name of a photo -> its row


def places(table: str) -> list[str]:
    """Return where a table may lie: first as text, in its authors' folder."""
    home = "Eval" if table == PARTITION else "Anno"
    folders = [f"{home}/", ""]
    return [f"{folder}{table}{end}" for end in (".txt", ".csv") for folder in folders]


def read(path: pathlib.Path) -> Table:
    """Read a table; its form follows from the name of its file.

    Raises:
        ValueError: with the line number, if the file is not of that form, names a photo
            twice, or has another number of rows than it says.
    """
    columns = TITLES[path.stem].split()
    separator = "," if path.suffix == ".csv" else None
    lines = enumerate(raw_data.read_lines(path), start=1)
    count = None
    if separator:
        next(lines, None)
    elif path.stem in TITLED:
        words = next(lines, (1, ""))[1].split()
        if len(words) != 1:
            raise raw_data.malformed(path, 1, "the number of rows", " ".join(words))
        (count,) = raw_data.whole_numbers(words, path, 1, 0, _LARGEST)
        next(lines, None)
    table = {}
    for number, line in lines:
        words = [word.strip() for word in line.split(separator)]
        if not any(words):
            continue
        if len(words) != 1 + len(columns) or not _NAME.fullmatch(words[0]):
            expected = f"the name of a .jpg, {', '.join(columns)}"
            raise raw_data.malformed(path, number, expected, line)
        if words[0] in table:
            raise raw_data.malformed(path, number, "each photo once", line)
        low = 0 if path.stem in (IDENTITIES, PARTITION) else -_LARGEST
        values = raw_data.whole_numbers(words[1:], path, number, low, _LARGEST)
        table[words[0]] = tuple(values)
    if count not in (None, len(table)):
        raise raw_data.malformed(path, 1, f"{len(table)}, as rows follow", str(count))
    return table


def to_text(table: str, rows: Table) -> str:
    """Return what `read` reads from the `.txt` file of a table."""
    lines = [" ".join(map(str, (name, *row))) for name, row in rows.items()]
    if table in TITLED:
        lines = [str(len(rows)), TITLES[table], *lines]
    return "".join(f"{line}\n" for line in lines)
