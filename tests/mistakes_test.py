"""What becomes one line for the user, and what stays a stack trace."""

import errno
import json
from concurrent.futures.process import BrokenProcessPool

import keras
import pytest
import tensorflow as tf

from safefakes_tf import mistakes
from safefakes_tf.config import values

FULL = "No space left on device"
HDF5 = (
    "Unable to synchronously flush file (file write failed: time = Fri, filename = "
    "'w.h5', file descriptor = 3, errno = 28, error message = 'No space left on "
    "device', buf = 0x1)"
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, FULL), f"{FULL}; free some space"),
        (OSError(errno.EROFS, "x", "/ro/f"), "/ro/f: Read-only file system; name"),
        (PermissionError(errno.EACCES, "x", b"/f"), "/f: Permission denied; give"),
        (FileNotFoundError(errno.ENOENT, "x", "/w/m"), "/w/m: No such file or d"),
        (NotADirectoryError(errno.ENOTDIR, "x", "/f/w"), "/f/w: Not a directory; a"),
        (OSError(errno.EFBIG, "x"), "File too large; raise the limit"),
        (OSError(HDF5), f"{FULL}; free some space"),
        (RuntimeError(HDF5), f"{FULL}; free some space"),
        (
            tf.errors.ResourceExhaustedError(None, None, f"/w/ckpt-2.data; {FULL}"),
            f"/w/ckpt-2.data: {FULL}; free some space",
        ),
        (
            tf.errors.NotFoundError(None, None, "/w/a.png; No such file or directory"),
            "/w/a.png: No such file or directory; it was removed",
        ),
        (tf.errors.DataLossError(None, None, "corrupted record"), "a file is damaged"),
        (
            tf.errors.InvalidArgumentError(
                None,
                None,
                "{{node x}} assertion failed: [/d/k holds keypoints of other photos; "
                "remove it] [Condition x == y did not hold",
            ),
            "/d/k holds keypoints of other photos; remove it",
        ),
        (MemoryError(), "not enough memory; end"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "not enough memory; end"),
        (ImportError("tf.so: Cannot allocate memory"), "not enough memory; end"),
        (
            ImportError("tf.so: failed to map segment from shared object"),
            "not enough memory; end",
        ),
        (RuntimeError("can't start new thread"), "not enough memory; end"),
        (
            BrokenProcessPool(
                "A process in the process pool was terminated abruptly while the "
                "future was running or pending."
            ),
            "not enough memory; end",
        ),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "OOM when allocating tensor with shape[9]"
            ),
            "not enough memory; end",
        ),
    ],
)
def test_what_the_system_refuses_is_one_line(error, words):
    told = mistakes.in_words(error)
    assert told.startswith(words)
    assert "\n" not in told


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("dictionary changed size during iteration"),
        tf.errors.InvalidArgumentError(None, None, "Incompatible shapes: [2] vs. [3]"),
        tf.errors.NotFoundError(None, None, "Op type not registered 'X'"),
        tf.errors.ResourceExhaustedError(None, None, "too many requests"),
        OSError("who knows"),
        KeyError("x"),
    ],
)
def test_what_is_no_mistake_of_the_user_is_not_told_as_one(error):
    assert mistakes.in_words(error) is None


def raised(function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return error


def test_a_value_error_is_told_if_our_code_raised_it():
    ours = raised(values.check_choice, "--mode", "a", ("b",))
    assert mistakes.in_words(ours) == "--mode must be one of b; got a"
    assert mistakes.in_words(raised(json.loads, "{")) is None


class Layer(keras.layers.Layer):
    def call(self, inputs):
        return tf.matmul(inputs, tf.zeros([7, 7]))


def test_what_tensorflow_hides_its_part_in_is_not_ours(monkeypatch):
    monkeypatch.setitem(globals(), "__name__", "safefakes_tf.layers")
    error = raised(Layer(), keras.Input([3, 3]))
    assert "Dimensions must be equal" in str(error)
    assert mistakes.in_words(error) is None
    assert mistakes.in_words(raised(lambda: int("x"))) is None
    monkeypatch.delitem(globals(), "tf")  # as in a module that reads files
    monkeypatch.delitem(globals(), "keras")
    assert mistakes.in_words(raised(lambda: int("x"))).startswith("invalid literal")


def test_control_characters_are_not_obeyed():
    error = raised(values.check_choice, "--mode", "\x1b[2J\n\u202ea é", ("b",))
    told = mistakes.in_words(error)
    assert told == r"--mode must be one of b; got \x1b[2J\n\u202ea é"
