"""The language of pickles, without the words that call, import or reach into something.

A pickle is a program of one-byte instructions for a stack. Each instruction here is a function of
the machine. Python's own reader is not used: it calls what a pickle names, and sets attributes.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from mmgraph.datasets.pickles.arrays import PendingArray, PendingType
from mmgraph.datasets.pickles.limits import MOST_ARRAY_DEPTH, Budget, Refused, bounded
from mmgraph.datasets.pickles.names import SET_BYTES, Name, check_key, fill, find_name

#: Longer reads are compared with what is left of the file, before there is room made for them.
_LONG = 1 << 16


class Machine:
    """Reads one pickle.

    Args:
        file: The pickle.
        size: Its bytes.

    Raises:
        Refused: It holds something that is not admitted.
        Exception: It is damaged, and in many ways.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file, self.read, self.budget = file, file.read, Budget(size)
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self._array_depth: dict[int, int] = {}
        self._arrays: list[Any] = []

    def run(self) -> Any:
        """Return what the pickle holds, unchecked as a whole."""
        read, steps = self.read, _STEPS
        while (code := read(1)) != b".":
            step = steps.get(code)
            if step is None:
                raise ValueError(f"byte {self.file.tell()} is no instruction" if code else "no end")
            step(self)
        if self.marks or len(self.stack) != 1:
            raise ValueError("it ends in the middle of something")
        return self.stack[0]

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > _LONG and size > self.budget.size - self.file.tell():
            raise ValueError(f"it announces {size} bytes and has fewer")
        data = self.read(size)
        if len(data) != size:
            raise ValueError("it is cut off")
        return data

    def number(self, form: str, size: int) -> Any:
        """Return the number in the next bytes."""
        return struct.unpack(form, self.take(size))[0]

    def line(self) -> bytes:
        """Return the bytes up to the end of the line."""
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise ValueError("it is cut off")
        return line[:-1]

    def since_mark(self) -> list[Any]:
        """Return all above the last mark, which is removed."""
        items, self.stack = self.stack, self.marks.pop()
        return items

    def recall(self, key: int) -> None:
        """Put what was remembered on the stack."""
        value = self.memo[key]
        if type(value) is PendingArray or type(value) is PendingType:
            if value.made is None:
                raise ValueError("it holds an array within itself")
            value = value.made
        self.stack.append(value)

    def call(self) -> None:
        """Make what the name below the arguments makes."""
        arguments, name = self.stack.pop(), self.stack.pop()
        if type(name) is not Name or name.make is None:
            what = name.name if type(name) is Name else f"a call of a {type(name).__name__}"
            raise Refused(what)
        if type(arguments) is not tuple:
            raise ValueError("it holds a call without arguments")
        self.stack.append(name.make(self.budget, *arguments))

    def build(self) -> None:
        """Give an array or a type its state, and nothing else."""
        state, pending = self.stack.pop(), self.stack.pop()
        if type(pending) is not PendingArray and type(pending) is not PendingType:
            raise Refused(f"the state of a {type(pending).__name__}")
        if type(state) is not tuple or pending.made is not None:
            raise ValueError("it holds an array with two states or none")
        pending.made = pending.build(state, self.budget)
        if type(pending) is PendingArray:
            self._bound_depth(pending.made)
        self.stack.append(pending.made)

    def _bound_depth(self, array: Any) -> None:
        """Raise where arrays lie deep within arrays, which are freed one inside the other."""
        if array.dtype != object:
            return
        inner = [each for each in array.flat if type(each) in _NOT_PLAIN]
        if not all(type(each) is np.ndarray for each in inner):
            raise ValueError("it holds an array of parts of arrays")
        depth = 1 + max((self._array_depth.get(id(each), 0) for each in inner), default=0)
        if depth > MOST_ARRAY_DEPTH:
            raise ValueError("it holds arrays within arrays within arrays")
        self._array_depth[id(array)] = depth
        self._arrays.append(array)  # is kept, so that no other array gets its id


_NOT_PLAIN = frozenset({np.ndarray, PendingArray, PendingType, Name})


Step: TypeAlias = Callable[[Machine], None]


def _push(value: Callable[[Machine], Any]) -> Step:
    """Return the instruction that puts something on the stack."""

    def step(machine: Machine) -> None:
        made = value(machine)  # may change which stack is in use
        machine.stack.append(made)

    return step


def _number(form: str) -> Step:
    """Return the instruction that reads a number, of which a pickle may have millions."""
    packed = struct.Struct(form)
    size, unpack = packed.size, packed.unpack

    def step(machine: Machine) -> None:
        machine.stack.append(unpack(machine.read(size))[0])  # fails where there are fewer bytes

    return step


def _constant(value: Any) -> Step:
    return lambda machine: machine.stack.append(value)


def _sized(form: str, size: int, decode: Callable[[bytes], Any]) -> Step:
    """Return the instruction that reads a length and so many bytes."""
    return _push(lambda machine: decode(machine.take(machine.number(form, size))))


def _latin1(data: bytes) -> str:
    return data.decode("latin1")


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _as_is(data: bytes) -> bytes:
    return data


def _quoted(machine: Machine) -> str:
    line = machine.line().strip()
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("it holds a string without quotes")
    unescaped: Any = codecs.escape_decode(line[1:-1])[0]
    return _latin1(unescaped)


def _decimal(machine: Machine) -> int | bool:
    line = machine.line()
    if line in (b"00", b"01"):
        return line == b"01"
    return bounded(int(line.removesuffix(b"L")))


def _long(data: bytes) -> int:
    return bounded(int.from_bytes(data, "little", signed=True))


def _global(machine: Machine) -> Name:
    module, name = _utf8(machine.line()), _utf8(machine.line())
    return find_name(module, name)


def _stack_global(machine: Machine) -> Name:
    name, module = machine.stack.pop(), machine.stack.pop()
    if type(name) is not str or type(module) is not str:
        raise ValueError("it holds a name that is no string")
    return find_name(module, name)


def _instance(machine: Machine) -> None:
    raise Refused(_global(machine).name)


def _refuse(what: str) -> Step:
    def step(machine: Machine) -> None:
        names = [each.name for each in machine.stack if type(each) is Name]
        raise Refused(f"{what} {names[-1]}" if names else what)

    return step


def _tuple_of(count: int) -> Step:
    def step(machine: Machine) -> None:
        stack = machine.stack
        if len(stack) < count:
            raise ValueError("it makes a tuple of nothing")
        stack[-count:] = [tuple(stack[-count:])]

    return step


def _mark(machine: Machine) -> None:
    machine.marks.append(machine.stack)
    machine.stack = []


def _pop(machine: Machine) -> None:
    if machine.stack:
        machine.stack.pop()
    else:
        machine.since_mark()


def _duplicate(machine: Machine) -> None:
    machine.stack.append(machine.stack[-1])


def _remember(key: Callable[[Machine], int]) -> Step:
    def step(machine: Machine) -> None:
        place = key(machine)
        if place < 0:
            raise ValueError("it remembers things by negative numbers")
        machine.memo[place] = machine.stack[-1]

    return step


def _recall(key: Callable[[Machine], int]) -> Step:
    return lambda machine: machine.recall(key(machine))


def _extend(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is not list:
        raise ValueError(f"it appends to a {type(target).__name__}")
    target.extend(items)


def _append(machine: Machine) -> None:
    item = machine.stack.pop()
    _extend(machine, [item])


def _set_items(machine: Machine, items: list[Any]) -> None:
    target = machine.stack[-1]
    if type(target) is not dict:
        raise ValueError(f"it puts keys into a {type(target).__name__}")
    fill(target, items[::2], items[1::2])


def _set_item(machine: Machine) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _set_items(machine, [key, value])


def _add_items(machine: Machine) -> None:
    items = machine.since_mark()
    target = machine.stack[-1]
    if type(target) is not set:
        raise ValueError(f"it adds to a {type(target).__name__}")
    target.update(map(check_key, items))


def _dict_of(items: list[Any]) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    fill(made, items[::2], items[1::2])
    return made


def _set_of(machine: Machine, items: list[Any]) -> set[Any]:
    machine.budget.charge(SET_BYTES)
    return set(map(check_key, items))


def _frame(machine: Machine) -> None:
    machine.take(8)  # how many bytes belong together does not matter


def _protocol(machine: Machine) -> None:
    version = machine.take(1)[0]
    if version > 5:
        raise ValueError(f"it is of protocol {version}, and 5 is the last")


_STEPS: dict[bytes, Step] = {
    b"\x80": _protocol,
    b"\x95": _frame,
    # Numbers
    b"N": _constant(None),
    b"\x88": _constant(True),
    b"\x89": _constant(False),
    b"I": _push(_decimal),
    b"L": _push(_decimal),
    b"F": _push(lambda machine: float(machine.line())),
    b"G": _number(">d"),
    b"K": _number("<B"),
    b"M": _number("<H"),
    b"J": _number("<i"),
    b"\x8a": _sized("<B", 1, _long),
    b"\x8b": _sized("<I", 4, _long),
    # Strings and bytes
    b"S": _push(_quoted),
    b"T": _sized("<I", 4, _latin1),
    b"U": _sized("<B", 1, _latin1),
    b"V": _push(lambda machine: machine.line().decode("raw-unicode-escape")),
    b"\x8c": _sized("<B", 1, _utf8),
    b"X": _sized("<I", 4, _utf8),
    b"\x8d": _sized("<Q", 8, _utf8),
    b"C": _sized("<B", 1, _as_is),
    b"B": _sized("<I", 4, _as_is),
    b"\x8e": _sized("<Q", 8, _as_is),
    b"\x96": _sized("<Q", 8, bytearray),
    # Containers
    b")": _constant(()),
    b"\x85": _tuple_of(1),
    b"\x86": _tuple_of(2),
    b"\x87": _tuple_of(3),
    b"t": _push(lambda machine: tuple(machine.since_mark())),
    b"]": _push(lambda machine: []),
    b"l": _push(lambda machine: machine.since_mark()),
    b"a": _append,
    b"e": lambda machine: _extend(machine, machine.since_mark()),
    b"}": _push(lambda machine: {}),
    b"d": _push(lambda machine: _dict_of(machine.since_mark())),
    b"s": _set_item,
    b"u": lambda machine: _set_items(machine, machine.since_mark()),
    b"\x8f": _push(lambda machine: _set_of(machine, [])),
    b"\x90": _add_items,
    b"\x91": _push(lambda machine: frozenset(_set_of(machine, machine.since_mark()))),
    # The stack, and what is remembered
    b"(": _mark,
    b"0": _pop,
    b"1": lambda machine: machine.since_mark().clear(),
    b"2": _duplicate,
    b"p": _remember(lambda machine: int(machine.line())),
    b"q": _remember(lambda machine: machine.take(1)[0]),
    b"r": _remember(lambda machine: machine.number("<I", 4)),
    b"\x94": _remember(lambda machine: len(machine.memo)),
    b"g": _recall(lambda machine: int(machine.line())),
    b"h": _recall(lambda machine: machine.take(1)[0]),
    b"j": _recall(lambda machine: machine.number("<I", 4)),
    # Names, and what is made by them
    b"c": _push(_global),
    b"\x93": _push(_stack_global),
    b"R": Machine.call,
    b"b": Machine.build,
    b"i": _instance,
    b"o": _refuse("an object of"),
    b"\x81": _refuse("an object of"),
    b"\x92": _refuse("an object of"),
    b"P": _refuse("a reference to something outside"),
    b"Q": _refuse("a reference to something outside"),
    b"\x82": _refuse("a registered extension"),
    b"\x83": _refuse("a registered extension"),
    b"\x84": _refuse("a registered extension"),
    b"\x97": _refuse("a buffer outside"),
    b"\x98": _refuse("a buffer outside"),
}
