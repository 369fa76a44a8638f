"""A folder of results that a killed run goes on with, and that is named at the end.

While it is made it is `<output>.partial`, which the process makes for its user alone,
and in which one process works at a time. A journal in it tells what the results are
made from, and which are there.
"""

import contextlib
import hashlib
import json
import os
import pathlib
import stat
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from safefakes_tf import atomic, locks

JOURNAL = "journal.jsonl"
NAMES = "names"  # in the first line, beside what all is made from
SUFFIX = ".partial"
LONGEST_NAME = 255  # bytes; of file systems


class Unfinished:
    """See the module; made by `opened`.

    Attributes:
        folder: where results go.
        done: for every result that is there, what `add` was told, by name.
    """

    def __init__(self, folder: pathlib.Path, done: dict[str, Any], journal: BinaryIO):
        """Begin with what is done already; `journal` is open for more."""
        self.folder, self.done, self._journal = folder, done, journal

    def add(self, name: str, **about: Any) -> None:
        """Note that a result is there; numbers, texts and lists tell about it."""
        self.done[name] = about
        self._journal.write(_line({"name": name, **about}))
        self._journal.flush()
        os.fsync(self._journal.fileno())

    def publish(self, output: pathlib.Path) -> None:
        """Give the folder its name and the rights of any other."""
        self.folder.replace(output)  # first: others' rights would stop the next run
        finish(output)


@contextlib.contextmanager
def opened(
    output: pathlib.Path, made_from: Mapping[str, str], names: Collection[str]
) -> Iterator[Unfinished]:
    """Work in `<output>.partial` while no other process does.

    What an earlier run made, or was about to make, and this one does not, is removed.

    Args:
        output: the folder to make.
        made_from: all that every result depends on, as texts; digests stand for files.
            What one result alone depends on, the caller compares, and makes it anew.
        names: of the files that the run makes, relative to the folder.

    Raises:
        ValueError: if another process works there, or the folder is not as a run with
            the same `made_from` leaves it: others may have a hand in it.
        OSError: if it cannot be written.
    """
    folder = folder_of(output)
    make_own(folder)
    with locks.alone_in(folder, "name another --output"):
        atomic.remove_leftovers(folder)
        done = _resume(folder, made_from, names)
        with open(folder / JOURNAL, "ab", opener=_no_link) as journal:
            yield Unfinished(folder, done, journal)


def make_own(folder: pathlib.Path) -> None:
    """Make a folder for this user alone, unless it is there.

    Raises:
        ValueError: if it is there otherwise, or others get at it though it was made so.
        OSError: if it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        if not _is_own(folder):
            raise ValueError(
                f"{folder} must be a folder for this user alone, as a run makes it; it "
                "is not; remove it"
            ) from None
        return
    if not _is_own(folder):  # exFAT, or NTFS as some systems mount it
        folder.rmdir()
        raise ValueError(
            f"{folder.parent} lies in a file system that keeps no rights, and others "
            "could read what is not anonymized yet; name an --output in another one"
        )


def _is_own(folder):
    about = folder.lstat()
    alone = about.st_uid == os.geteuid() and not about.st_mode & 0o077
    return stat.S_ISDIR(about.st_mode) and alone


def folder_of(output: pathlib.Path) -> pathlib.Path:
    """Return where the results lie until `output` is whole."""
    return output.with_name(_shortened(output.name) + SUFFIX)


def results(output: pathlib.Path) -> list[str]:
    """Return the names of the results that are there until `output` is whole."""
    lines = {line.get("name"): line for line in _read(folder_of(output) / JOURNAL)}
    return [name for name, line in lines.items() if name and len(line) > 1]


def _shortened(name):
    """Return a name that has room for `SUFFIX`, another one for each name."""
    encoded = os.fsencode(name)
    if len(encoded) + len(SUFFIX) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(encoded).hexdigest()[:16]
    return os.fsdecode(encoded[:200]).encode(errors="ignore").decode() + digest


def finish(output: pathlib.Path) -> None:
    """Give a folder that has its name the rights of any other, and no journal.

    A kill may come before that. Without a journal it is done: then the rights are those
    that somebody gave it since, and stay.
    """
    if (output / JOURNAL).exists():
        umask = os.umask(0)
        os.umask(umask)
        output.chmod(0o777 & ~umask)
    for name in (JOURNAL, *locks.FILES):
        (output / name).unlink(missing_ok=True)


def _resume(folder, made_from, names):
    """Return what is done, with a journal that is whole and no other results about."""
    _check_files(folder, pathlib.Path.is_symlink)  # the journal may be one
    begun = (folder / JOURNAL).exists()
    head, *lines = _read(folder / JOURNAL) or [{}]
    own = [JOURNAL, *names, *head.get(NAMES, ())] if begun else ()
    own = {folder / name for name in (*locks.FILES, *own)}
    _check_files(folder, lambda path: not (path.is_dir() or path in own))
    if head:
        check_unchanged(folder, head, made_from)
    kept = (JOURNAL, *locks.FILES, *names)
    _remove_others(folder, {folder / name for name in kept})
    head = {**made_from, NAMES: sorted(names)}
    lines = [line for line in lines if line["name"] in names]
    with atomic.writing(folder / JOURNAL) as file:  # without a line that is torn
        file.writelines(map(_line, (head, *lines)))
    return {line.pop("name"): line for line in lines}


def check_unchanged(
    folder: pathlib.Path, head: Mapping[str, str], made_from: Mapping[str, str]
) -> None:
    """Check that results in a folder were made from what they would be made from now.

    Args:
        folder: for the message.
        head: what they were made from.
        made_from: what they would be made from.

    Raises:
        ValueError: if something differs; names it.
    """
    if changed := changes(head, made_from):
        raise ValueError(
            f"{folder} was begun with other inputs or settings ({'; '.join(changed)}); "
            "remove it, or go on with those"
        )


def changes(head: Mapping[str, str], made_from: Mapping[str, str]) -> list[str]:
    """Return what differs, as `name: old -> new`; arguments as `check_unchanged`."""
    return [
        f"{key}: {head.get(key)} -> {value}"
        for key, value in made_from.items()
        if head.get(key) != value
    ]


def _remove_others(folder, paths):
    """Remove results, and folders of results, that are not to be published."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is in a folder first
        if path.is_dir():
            with contextlib.suppress(OSError):  # it is not empty
                path.rmdir()
        elif path not in paths:
            path.unlink()


def _check_files(folder, is_strange):
    """Check that nothing is here but what runs make: all of it will be published.

    Links are refused wherever they are: what is written through one ends elsewhere.
    """
    for path in sorted(folder.rglob("*")):
        if is_strange(path):
            raise ValueError(
                f"{folder} holds {path.relative_to(folder).as_posix()}, which this run "
                "does not make; move that away, or remove the folder"
            )


def _line(values):
    return json.dumps([_checksum(values), values]).encode() + b"\n"


def _checksum(values):
    return zlib.crc32(json.dumps(values).encode())


def _read(path):
    """Return the lines of a journal, up to one that was cut or has been damaged."""
    lines = []
    broken = contextlib.suppress(ValueError, TypeError, RecursionError)
    if path.exists():
        with open(path, "rb", opener=_no_link) as file, broken:
            for line in file:
                checksum, values = json.loads(line)
                in_place = "name" in values or not lines
                if checksum != _checksum(values) or not in_place:
                    break
                lines.append(values)
    return lines


def _no_link(path, flags):
    return os.open(path, flags | os.O_NOFOLLOW)
