"""Carries out the few instructions that pickles of arrays consist of, and no other.

A pickle is a programme for a machine with a stack. The machine here is our own: the
instructions it knows are in one table, the names it knows are given by the caller, and
at any other one reading stops. It imports nothing; what it calls are the factories that
the names stand for, and what it sets attributes of are the stand-ins that they return.

Time and memory grow with the pickle's length alone: the number of instructions is
bounded, none takes more time than what it consumes, and no value is walked through,
hashed, compared or printed that could hold others.
"""

import itertools
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from safefakes_tf.printing import shortened

MAX_STEPS = 10**6  # a checkpoint of a thousand tensors has some 30,000
MAX_DEPTH = 100  # of containers in one another
MAX_DIMENSIONS = 64
MAX_INTEGER_BITS = 128


class RefusedError(ValueError):
    """The pickle has an instruction, or a name, that is not on the list."""


class StandIn:
    """Stands for an object of a class that is not imported."""

    @property
    def value(self) -> Any:
        """What it becomes outside, once the pickle is read as a whole."""
        raise ValueError(f"a {type(self).__name__.strip('_')} is no value")

    def build(self, state: Any) -> None:
        """Take the state that the instruction BUILD sets."""
        raise ValueError("attributes are set of something that has none")


def load(
    file: BinaryIO,
    names: Mapping[tuple[str, str], Any],
    persistent_load: Callable[[Any], StandIn] | None = None,
) -> Any:
    """Return the value that a pickle makes.

    Args:
        file: the pickle, in memory, at its place; is left behind the end of it. Not
            larger than what may be held several times.
        names: (module, name) -> what stands for it: a factory, which takes arguments as
            they come and must check them, or anything that can be told by identity.
        persistent_load: takes the reference to an object outside the pickle.

    Returns:
        Containers, numbers, texts and stand-ins. Containers may hold themselves, and
        one another many times: nothing but `finish` should walk through them.

    Raises:
        RefusedError: at an instruction or a name that is not known.
        ValueError: if the pickle is broken or takes too many steps. What broken ones
            raise in factories is not turned into it.
    """
    machine = _Machine(names, persistent_load)
    for instruction, argument, _ in pickletools.genops(file):
        if instruction.name == "STOP":
            return machine.result()
        if instruction.name not in _INSTRUCTIONS:
            raise RefusedError(f"the instruction {instruction.name}")
        machine.count(1)
        _INSTRUCTIONS[instruction.name](machine, argument)
    raise ValueError("it has no end")


def finish(tree: Any) -> Any:
    """Return a copy of a value with lists for sequences and values for stand-ins.

    A container in several places is copied for each. One that holds itself, or has too
    many values that way, is refused.
    """
    visited = itertools.count(1)

    def walk(node, depth):
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        if next(visited) > MAX_STEPS:
            raise ValueError(f"it has more than {MAX_STEPS:,} values")
        if isinstance(node, dict):
            return {key: walk(value, depth + 1) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [walk(value, depth + 1) for value in node]
        if isinstance(node, StandIn):
            return node.value
        if node is None or isinstance(node, int | float | str | bytes):
            return node
        raise ValueError("a name takes the place of a value")

    return walk(tree, 0)


def set_items(target: Any, keys_and_values: list) -> None:
    """Set entries of a dict, whose keys must be texts or 64-bit numbers.

    Tuples are none: the time to hash one can double with each instruction.
    """
    if not isinstance(target, dict):
        raise ValueError("entries are set of something else than a dict")
    if len(keys_and_values) % 2:
        raise ValueError("a key has no value")
    for key, value in zip(keys_and_values[::2], keys_and_values[1::2], strict=True):
        if not isinstance(key, str | int) or (
            isinstance(key, int) and key.bit_length() > 64
        ):
            raise ValueError("a key is neither a text nor a number")
        target[key] = value


def counts(numbers: Any) -> tuple[int, ...]:
    """Return what should be a shape, or other sizes, if it is one."""
    if not isinstance(numbers, tuple | list) or len(numbers) > MAX_DIMENSIONS:
        raise ValueError("a shape is no tuple, or of too many dimensions")
    if not all(isinstance(n, int) and 0 <= n < 2**63 for n in numbers):
        raise ValueError("a shape, stride or size is no number of 0 or more")
    return tuple(numbers)


class _Machine:
    """The stack of values, the places of open marks in it, and the memo."""

    def __init__(self, names, persistent_load):
        self._names = names
        self._persistent_load = persistent_load
        self._stack, self._marks, self._memo = [], [], {}
        self._steps = 0

    def count(self, steps):
        self._steps += steps
        if self._steps > MAX_STEPS:
            raise ValueError(f"it takes more than {MAX_STEPS:,} instructions")

    def result(self):
        if len(self._stack) != 1 or self._marks:
            raise ValueError("it does not end with one value")
        return self._stack[0]

    # === Stack ===

    def push(self, value):
        if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
            raise ValueError("a number is too large")
        self._stack.append(value)

    def push_python2_text(self, text):
        """Push a text of Python 2, whose bytes come as Latin-1."""
        self._stack.append(text.encode("latin-1").decode())

    def pop(self, count):
        """Return the last values; those before the last mark are out of reach."""
        if count > len(self._stack) - (self._marks[-1] if self._marks else 0):
            raise ValueError("an instruction takes more than there is")
        start = len(self._stack) - count
        values = self._stack[start:]
        del self._stack[start:]
        return values

    def mark(self):
        self._marks.append(len(self._stack))

    def pop_to_mark(self):
        if not self._marks:
            raise ValueError("an instruction lacks its mark")
        values = self.pop(len(self._stack) - self._marks[-1])
        self._marks.pop()
        return values

    def top(self):
        (value,) = self.pop(1)
        self._stack.append(value)
        return value

    # === Memo ===

    def put(self, place):
        # Numbers of any size could be chosen so that all have the same hash.
        if not 0 <= place <= MAX_STEPS:
            raise ValueError("a place of the memo is out of range")
        self._memo[place] = self.top()

    def memoize(self):
        self.put(len(self._memo))

    def get(self, place):
        if place not in self._memo:
            raise ValueError("a place of the memo is empty")
        self._stack.append(self._memo[place])

    # === Containers ===

    def push_dict(self, keys_and_values):
        mapping = {}
        set_items(mapping, keys_and_values)
        self._stack.append(mapping)

    def extend(self, values):
        if type(target := self.top()) is not list:
            raise ValueError("values are appended to something else than a list")
        target.extend(values)

    def set_items(self, keys_and_values):
        set_items(self.top(), keys_and_values)

    # === Objects ===

    def name(self, module, name):
        if not isinstance(module, str) or not isinstance(name, str):
            raise ValueError("a name is no text")
        if (module, name) not in self._names:
            raise RefusedError(shortened(f"{module}.{name}"))
        self._stack.append(self._names[module, name])

    def reduce(self):
        factory, arguments = self.pop(2)
        if not any(factory is known for known in self._names.values()):
            raise RefusedError("a call of something that has no name")
        if not isinstance(arguments, tuple):
            raise ValueError("the arguments of a call are no tuple")
        # A factory may look at each value of its arguments: that must be paid for.
        self.count(len(arguments))
        self.count(sum(len(a) for a in arguments if isinstance(a, list | tuple)))
        self._stack.append(factory(*arguments))

    def build(self):
        (state,) = self.pop(1)
        if not isinstance(target := self.top(), StandIn):
            raise ValueError("attributes are set of something that has none")
        target.build(state)

    def push_persistent(self):
        if self._persistent_load is None:
            raise RefusedError("an object outside")
        (reference,) = self.pop(1)
        self._stack.append(self._persistent_load(reference))


# All that Python 2 and 3 write for numbers, texts, containers and arrays.
_INSTRUCTIONS: Mapping[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("PROTO", "FRAME"), lambda machine, _: None),
    **dict.fromkeys(
        (
            *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"),
            *("FLOAT", "BINFLOAT"),
            *("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
            *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        ),
        _Machine.push,
    ),
    **dict.fromkeys(
        ("STRING", "BINSTRING", "SHORT_BINSTRING"), _Machine.push_python2_text
    ),
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "MARK": lambda machine, _: machine.mark(),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine.put),
    "MEMOIZE": lambda machine, _: machine.memoize(),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine.get),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    "TUPLE1": lambda machine, _: machine.push(tuple(machine.pop(1))),
    "TUPLE2": lambda machine, _: machine.push(tuple(machine.pop(2))),
    "TUPLE3": lambda machine, _: machine.push(tuple(machine.pop(3))),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.pop_to_mark())),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "LIST": lambda machine, _: machine.push(machine.pop_to_mark()),
    "APPEND": lambda machine, _: machine.extend(machine.pop(1)),
    "APPENDS": lambda machine, _: machine.extend(machine.pop_to_mark()),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "DICT": lambda machine, _: machine.push_dict(machine.pop_to_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.pop(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.pop_to_mark()),
    "GLOBAL": lambda machine, argument: machine.name(*argument.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*machine.pop(2)),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
    "BINPERSID": lambda machine, _: machine.push_persistent(),
}
