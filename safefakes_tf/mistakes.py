"""What stopped a run, in one line for the user, unless the program is at fault."""

import dis
import errno
import os
import re

from safefakes_tf import printing

OWN = {"safefakes", "safefakes_tf", "tfds_builders", "configs", "main", "__main__"}
_SPACE = "free some space, then the same command goes on"
# Why the system refuses a file -> what to do.
_ADVICE = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: "raise the limit on the size of files, see ulimit -f",
    errno.EACCES: "give this user the right to it, or name another",
    errno.EPERM: "give this user the right to it, or name another",
    errno.EROFS: "name another folder, one that can be written to",
    errno.ENOENT: "it was removed, or never there; start again, or name another",
    errno.ENOTDIR: "a part of this path is a file; name another",
    errno.EISDIR: "it must be a file; move the folder away, or name another",
    errno.ENAMETOOLONG: "choose shorter names",
    errno.EIO: "the disk is faulty; name a folder on another",
}
_MEMORY = (
    *(os.strerror(errno.ENOMEM), "failed to map segment from shared object"),
    *("can't start new thread", "OOM when allocating"),
    # Of those that search keypoints; the system kills the largest to free memory.
    "A process in the process pool was terminated abruptly",
)
_NO_MEMORY = (
    "not enough memory; end other programs, raise the limit (ulimit -v), or make "
    "batches smaller, such as --set=loop.global_batch_size=8"
)
_OF_THE_SYSTEM = (OSError, MemoryError, RuntimeError, ImportError)
# A check that is part of a graph comes up as an error of TensorFlow.
_CHECK = re.compile(
    r"assertion failed: \[([^]]* holds keypoints of other photos; remove it)\]"
)


def in_words(error: BaseException) -> str | None:
    """Return what a user is told of an error; None if that needs a stack trace.

    Told are the mistakes that our own code found, and what the system refused: files,
    space on the disk, memory.
    """
    words = _words(error)
    return words and printing.escaped(words)


def _words(error):
    text = str(error)
    if isinstance(error, ValueError) and _is_ours(error):
        return text
    if isinstance(error, OSError) and error.errno in _ADVICE:
        return _refused(error.filename, error.errno)
    of_tensorflow = type(error).__module__.startswith("tensorflow.python.framework.err")
    if not (of_tensorflow or isinstance(error, _OF_THE_SYSTEM)):
        return None
    if isinstance(error, MemoryError) or any(sign in text for sign in _MEMORY):
        return _NO_MEMORY
    for number in _ADVICE:
        # As TensorFlow has it, behind the path, or the library of HDF5, without.
        reason = re.escape(os.strerror(number))
        if found := re.search(rf"(?:([^\s;]+); |error message = '){reason}", text):
            return _refused(found[1], number)
    if found := _CHECK.search(text):
        return found[1]
    if type(error).__name__ == "DataLossError":
        reason = printing.shortened(text.rpartition("}} ")[2])  # behind the node
        return (
            f"a file is damaged ({reason}); remove the data set or the checkpoint that "
            "it is of, which is then made anew"
        )
    return None


def _is_ours(error):
    """Tell whether our own code raised the error, in words for the user.

    TensorFlow hides its frames, and functions in C have none: what they raise seems to
    come from our code, which called them. So among TensorFlow only a `raise` counts.
    Elsewhere it is text that is no number, and the like.
    """
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    code, names = last.tb_frame.f_code, last.tb_frame.f_globals
    raised = code.co_code[last.tb_lasti] == dis.opmap["RAISE_VARARGS"]
    ours = names.get("__name__", "").split(".")[0] in OWN
    return ours and (raised or not names.keys() & {"tf", "keras"})


def _refused(path, number):
    where = f"{os.fsdecode(path)}: " if isinstance(path, str | bytes) else ""
    return f"{where}{os.strerror(number)}; {_ADVICE[number]}"
