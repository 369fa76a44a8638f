"""Texts from files and from others, as they may be shown.

A terminal obeys control characters: a file's name could clear it, or write what we did
not say.
"""

import os
import select

MAX_LENGTH = 200  # characters
_STDOUT = 1


def escaped(text: str) -> str:
    """Return a text as one line in which nothing but visible characters is left."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def shortened(text: str) -> str:
    """Return what may be no text at all as one short line of ASCII."""
    line = ascii(text[:MAX_LENGTH])[1:-1]
    return line if len(line) <= MAX_LENGTH else f"{line[:MAX_LENGTH]}..."


def is_read() -> bool:
    """Tell whether what is printed gets anywhere; if not, no more is printed.

    Else Python would try, and complain, once more at its end.
    """
    poll = select.poll()
    poll.register(_STDOUT, 0)  # tells of errors only, such as a pipe without a reader
    try:
        print(end="", flush=True)
        read = not poll.poll(0)
    except OSError:
        read = False
    if not read:
        os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    return read
