"""Arrays of a pickle: built by NumPy's public functions, from parts that are checked before.

A pickle describes an array in two steps, first an empty one and then its state. Both steps only
collect parts here. The array is made when all of them are known.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped

from mmgraph.datasets.pickles.limits import MOST_AXES, Budget, Refused

#: Numbers, dates, strings and objects. Those of 80 bits differ by processor.
_CODE = re.compile(r"b1|[iu][1248]|f[248]|c8|c16|[SUV][1-9]\d{0,8}|O[48]?|[Mm]8")
_UNITS = frozenset(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])
_LAST_CODE_POINT = 0x10FFFF

Type = np.dtype[Any]


@dataclass(eq=False, slots=True)
class PendingType:
    """A type of numbers whose state is not known yet."""

    code: str
    made: Type | None = None

    def build(self, state: Any, budget: Budget) -> Type:
        """Make the type of its state (version, byte order, base, names, fields, ...)."""
        del budget  # a type takes next to nothing
        version, order, base, names, fields = state[:5]
        if version not in (3, 4) or order not in ("<", ">", "|", "="):
            raise ValueError(f"it holds an array's type of version {version!r:.20}")
        if base is not None:
            made = _several(*base)
        elif fields:
            made = _structure(int(self.code.removeprefix("V")), names, fields)
        else:
            made = _plain(self.code, state[8] if len(state) > 8 else None).newbyteorder(order)
        return made


@dataclass(eq=False, slots=True)
class PendingArray:
    """An array whose state is not known yet."""

    made: Shaped[np.ndarray, "..."] | None = None

    def build(self, state: Any, budget: Budget) -> Shaped[np.ndarray, "..."]:
        """Make the array of its state ([version,] shape, type, order, bytes or items)."""
        shape, kind, fortran, data = state[-4:]
        order = "F" if fortran else "C"
        made = make_array(shape, kind, order, data, budget)
        # In the order of this processor afterwards, as NumPy has it; buffers (protocol 5) stay.
        return made if made.dtype.isnative else made.astype(made.dtype.newbyteorder("="))


def pending_type(code: Any) -> PendingType:
    """Return a type of which only the code is known, such as "f8".

    Raises:
        Refused: It is none of those that are admitted.
    """
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise Refused(f"numpy.dtype({code!r:.40})")
    return PendingType(code)


def make_array(
    shape: Any, kind: Any, order: Any, data: Any, budget: Budget
) -> Shaped[np.ndarray, "..."]:
    """Return an array that owns its memory.

    Args:
        shape: Its sizes.
        kind: Its NumPy type.
        order: "C" or "F", the order of the bytes.
        data: Its bytes (a string of Latin-1 in pickles of Python 2), or a list of its objects.
        budget: Is charged with its bytes.

    Raises:
        ValueError: The parts are not those of one array.
    """
    count = _count(shape, kind, budget)
    if order not in ("C", "F"):
        raise ValueError(f"it holds an array in the order {order!r:.20}")
    if kind.hasobject:
        if type(data) is not list or len(data) != count:
            raise ValueError(f"it holds an array of {count} objects without as many")
        budget.charge(8 * count)
        array = np.fromiter(data, object, count).reshape(shape)
        return np.asfortranarray(array) if order == "F" else array
    flat = _from_bytes(data, kind, count)
    budget.charge(flat.nbytes)
    if not flat.flags.writeable:
        flat = flat.copy()
    return flat.reshape(shape, order=order)


def make_scalar(kind: Any, data: Any, budget: Budget) -> np.generic:
    """Return a NumPy number or string of its type and its bytes.

    Raises:
        ValueError: They do not belong together.
    """
    if not isinstance(kind, np.dtype) or kind.hasobject:
        raise ValueError("it holds a number that is none")
    scalar: np.generic = make_array((1,), kind, "C", data, budget)[0]
    return scalar


def to_bytes(data: Any, budget: Budget) -> bytes | bytearray:
    """Return bytes, as which Python 2 has strings.

    Raises:
        ValueError: It is something else.
    """
    if type(data) is str:
        budget.charge(len(data))
        return data.encode("latin1")
    if type(data) is bytes or type(data) is bytearray:
        return data
    raise ValueError(f"expected bytes, got {type(data).__name__}")


def _count(shape: Any, kind: Any, budget: Budget) -> int:
    """Return the number of elements of an array, whose parts are checked."""
    if not isinstance(kind, np.dtype) or kind.subdtype is not None or not kind.itemsize:
        raise ValueError("it holds an array without a type")
    sizes = type(shape) is tuple and all(type(size) is int and size >= 0 for size in shape)
    if not sizes or len(shape) > MOST_AXES:
        raise ValueError(f"it holds an array of the shape {shape!r:.40}")
    # Also of an array without elements, whose rows somebody may count.
    if math.prod(filter(None, shape)) * kind.itemsize > max(budget.size, 1 << 12):
        raise ValueError(f"it holds an array of {shape!r:.40} in fewer bytes")
    return math.prod(shape)


def _from_bytes(data: Any, kind: Type, count: int) -> Shaped[np.ndarray, "count"]:
    raw = data.encode("latin1") if type(data) is str else data
    if type(raw) not in (bytes, bytearray) or len(raw) != count * kind.itemsize:
        raise ValueError(f"it holds an array of {count * kind.itemsize} bytes without as many")
    # NumPy does not take empty buffers.
    flat = np.frombuffer(raw, kind) if count else np.empty(0, kind)
    for name in kind.names or [None]:
        _check_values(flat if name is None else np.ascontiguousarray(flat[name]).ravel())
    return flat


def _check_values(flat: Shaped[np.ndarray, "count"]) -> None:
    """Raise ValueError where bytes are no value of their type, which NumPy does not expect."""
    if not len(flat):
        return
    if flat.dtype.kind == "b" and flat.view(np.uint8).max() > 1:
        raise ValueError("it holds booleans that are neither true nor false")
    if flat.dtype.kind == "U":
        points = flat.view(np.dtype("u4").newbyteorder(flat.dtype.byteorder))
        if points.max() > _LAST_CODE_POINT:
            raise ValueError("it holds strings with characters that do not exist")


def _plain(code: str, metadata: Any) -> Type:
    if code not in ("M8", "m8"):
        return np.dtype(object) if code[0] == "O" else np.dtype(code)
    if metadata is None:
        raise ValueError("it holds dates without a unit")
    unit, number = metadata[1][:2]
    unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
    if unit not in _UNITS or type(number) is not int or not 0 < number < 2**31:
        raise ValueError(f"it holds dates in the unit {unit!r:.20}")
    return np.dtype(f"{code}[{number}{unit}]")


def _simple(kind: Any) -> Type:
    """Return a type that is no structure and holds no objects, for neither may be nested."""
    if not isinstance(kind, np.dtype) or kind.hasobject or kind.names or not kind.itemsize:
        raise ValueError("it holds an array whose fields are no numbers or strings")
    return kind


def _several(base: Any, shape: Any) -> Type:
    """Return a type of several numbers, as a field has it."""
    sizes = type(shape) is tuple and all(type(size) is int and size > 0 for size in shape)
    if not sizes or len(shape) > MOST_AXES or math.prod(shape) > 1 << 20:
        raise ValueError(f"it holds fields of the shape {shape!r:.40}")
    if _simple(base).subdtype is not None:
        raise ValueError("it holds fields of fields")
    return np.dtype((base, shape))


def _structure(size: int, names: Any, fields: Any) -> Type:
    """Return a structured type; NumPy checks that its fields lie within its bytes."""
    if type(names) is not tuple or not isinstance(fields, Mapping) or set(names) != set(fields):
        raise ValueError("it holds an array with other fields than it names")
    if not all(type(name) is str for name in names):
        raise ValueError("it holds an array whose fields have no names")
    described: Any = {
        "names": list(names),
        "formats": [_simple(fields[name][0]) for name in names],
        "offsets": [_offset(fields[name][1], size) for name in names],
        "itemsize": size,
    }
    return np.dtype(described)


def _offset(offset: Any, size: int) -> int:
    if type(offset) is not int or not 0 <= offset < size:
        raise ValueError(f"it holds a field at {offset!r:.20} of {size} bytes")
    return offset
