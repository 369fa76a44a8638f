"""A folder of results that a killed run goes on with, and that is named at the end.

While it is made it is `<output>.partial`, which the process makes for its user alone,
and in which one process works at a time. A journal in it tells what the results are
made from, and which are there.
"""

import contextlib
import json
import os
import pathlib
import stat
import zlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any, BinaryIO

from safefakes_tf import atomic, locks

JOURNAL = "journal.jsonl"


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
        umask = os.umask(0)
        os.umask(umask)
        self.folder.chmod(0o777 & ~umask)
        self.folder.replace(output)
        remove_journal(output)


@contextlib.contextmanager
def opened(
    output: pathlib.Path, made_from: Mapping[str, str], names: Collection[str]
) -> Iterator[Unfinished]:
    """Work in `<output>.partial` while no other process does.

    Args:
        output: the folder to make.
        made_from: all that the results depend on, as texts; digests stand for files.
        names: of the files that the run makes, relative to the folder.

    Raises:
        ValueError: if another process works there, or the folder is not as a run with
            the same `made_from` leaves it: others may have a hand in it.
        OSError: if it cannot be written.
    """
    folder = output.with_name(f"{output.name}.partial")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    about = folder.lstat()
    alone = about.st_uid == os.geteuid() and not about.st_mode & 0o077
    if not (stat.S_ISDIR(about.st_mode) and alone):
        raise ValueError(
            f"{folder} must be a folder for this user alone, as a run makes it; it is "
            "not; remove it"
        )
    with locks.alone_in(folder, "name another --output"):
        atomic.remove_leftovers(folder)
        begun = (JOURNAL, *names) if (folder / JOURNAL).exists() else ()
        _check_files(folder, {*locks.FILES, *begun})
        done = _resume(folder, made_from)
        with open(folder / JOURNAL, "ab", opener=_no_link) as journal:
            yield Unfinished(folder, done, journal)


def remove_journal(output: pathlib.Path) -> None:
    """Remove what is of no use in a finished folder; a kill may come before that."""
    for name in (JOURNAL, *locks.FILES):
        (output / name).unlink(missing_ok=True)


def _resume(folder, made_from):
    """Return what is done, and write the journal anew without a line that is torn."""
    path = folder / JOURNAL
    head, *lines = _read(path) or [made_from]
    changed = [
        f"{key}: {head.get(key)} -> {value}"
        for key, value in made_from.items()
        if head.get(key) != value
    ]
    if changed:
        raise ValueError(
            f"{folder} was begun with other inputs or settings ({'; '.join(changed)}); "
            "remove it, or go on with those"
        )
    with atomic.writing(path) as file:
        file.writelines(map(_line, (made_from, *lines)))
    return {line.pop("name"): line for line in lines}


def _check_files(folder, names):
    """Check that nothing is here but what the run makes: all of it will be published.

    Links are refused wherever they are: what is written through one ends elsewhere.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or (not path.is_dir() and name not in names):
            raise ValueError(
                f"{folder} holds {name}, which this run does not make; move that away, "
                "or remove the folder"
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
