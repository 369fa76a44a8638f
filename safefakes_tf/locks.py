"""One process at a time in a folder; the others are told who that is.

The lock is a file `.lock` in the folder. The system takes it back when the process
dies, so that nobody waits for a dead one. The holder signs in a file beside it, as some
versions of `filelock` empty the other whenever they try it.
"""

import contextlib
import os
import pathlib
import shlex
import sys
from collections.abc import Iterator

import filelock

from safefakes_tf import atomic, printing

LOCK, HOLDER = FILES = (".lock", ".holder")


@contextlib.contextmanager
def alone_in(
    folder: pathlib.Path, instead: str = "", wait: bool = False
) -> Iterator[None]:
    """Work in a folder while no other process does.

    Args:
        folder: exists.
        instead: what the user may do, but wait for the end of the other process.
        wait: whether to wait for that here; it is told for whom.

    Raises:
        ValueError: if another process works there, unless it is waited for; names it.
        OSError: if the folder cannot be written to.
    """
    lock = filelock.FileLock(folder / LOCK, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        words = f"{_holder(folder)} works in {folder}"
        if not wait:
            raise ValueError(f"{words}; wait for its end, or {instead}") from None
        print(f"{words}; waiting for its end", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        signature = f"process {os.getpid()} ({shlex.join(sys.argv)})"
        atomic.write_text(folder / HOLDER, printing.escaped(signature))
        yield
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone
            (folder / HOLDER).unlink()
        lock.release()


def _holder(folder):
    """Return who has signed, as far as it can be told."""
    try:
        signature = (folder / HOLDER).read_text(errors="replace")
        return printing.escaped(signature[: printing.MAX_LENGTH])
    except OSError:  # it has not signed yet, or no more
        return "another process"
