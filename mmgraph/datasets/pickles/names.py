"""The names a pickle may refer to, and what stands in for each.

None of them is what it names. A stand-in has no attributes that a pickle could reach, and what it
makes is made by a function of this package, of arguments whose types are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from mmgraph.datasets.pickles.arrays import (
    PendingArray,
    make_array,
    make_scalar,
    pending_type,
    to_bytes,
)
from mmgraph.datasets.pickles.limits import MOST_KEY_BITS, MOST_KEY_ITEMS, Budget, Refused, bounded

#: Bytes of a set without items, the largest of what takes one byte in a pickle.
SET_BYTES = 256

_PLAIN_KEYS = frozenset({str, bytes, bool, float, type(None)})
_LATIN1 = ("latin1", "latin-1", "iso-8859-1")


@dataclass(frozen=True, eq=False, slots=True)
class Name:
    """What stands in for a name.

    Args:
        name: Its module and itself.
        make: Makes of a budget and arguments what the name would; None: it makes nothing.
    """

    name: str
    make: Callable[..., Any] | None = None


def find_name(module: str, name: str) -> Name:
    """Return what stands in for a name.

    Raises:
        Refused: It is not admitted.
    """
    module = _OTHER_MODULES.get(module, module)
    found = _NAMES.get(f"{module}.{name}")
    if found is None:
        raise Refused(f"{module}.{name}"[:100])
    return found


def check_key(key: Any) -> Any:
    """Return a key of a dict or an item of a set.

    Raises:
        ValueError: Hashing it could take forever, or it cannot be hashed.
    """
    left, stack = MOST_KEY_ITEMS, [key]
    while stack:
        part = stack.pop()
        kind = type(part)
        if kind is tuple or kind is frozenset:
            left -= len(part)
            if left < 0:
                raise ValueError("it holds a key of very many items")
            stack.extend(part)
        elif kind is int:
            bounded(part, MOST_KEY_BITS)
        elif kind not in _PLAIN_KEYS and not _is_plain_scalar(part):
            raise ValueError(f"it holds a key that is a {kind.__name__}")
    return key


def fill(made: dict[Any, Any], keys: Iterable[Any], values: Iterable[Any]) -> None:
    """Put items into a dict whose keys are checked."""
    for key, value in zip(keys, values, strict=True):
        made[key if type(key) is str else check_key(key)] = value


def _is_plain_scalar(value: Any) -> bool:
    return isinstance(value, np.generic) and value.dtype.kind in "biufSU"


def _items(values: Any, budget: Budget) -> list[Any] | tuple[Any, ...]:
    if type(values) is not list and type(values) is not tuple:
        raise ValueError(f"expected a list, got {type(values).__name__}")
    budget.charge(32 * len(values))
    return values


def _set(budget: Budget, values: Any = ()) -> set[Any]:
    budget.charge(SET_BYTES)
    return set(map(check_key, _items(values, budget)))


def _frozenset(budget: Budget, values: Any = ()) -> frozenset[Any]:
    return frozenset(_set(budget, values))


def _list(budget: Budget, values: Any = ()) -> list[Any]:
    return list(_items(values, budget))


def _tuple(budget: Budget, values: Any = ()) -> tuple[Any, ...]:
    return tuple(_items(values, budget))


def _dict(budget: Budget, pairs: Any = ()) -> dict[Any, Any]:
    """Make a dict, which keeps its order as an OrderedDict does."""
    made: dict[Any, Any] = {}
    budget.charge(SET_BYTES)
    for key, value in map(tuple, (_items(each, budget) for each in _items(pairs, budget))):
        fill(made, [key], [value])
    return made


def _default_dict(budget: Budget, default: Any = None) -> dict[Any, Any]:
    """Make a dict; what a missing key would become is left out."""
    if default is not None and type(default) is not Name:
        raise ValueError("it holds a defaultdict without a default")
    return _dict(budget)


def _bytes(budget: Budget) -> bytes:
    return b""


def _bytearray(budget: Budget, data: Any = b"", encoding: Any = "latin1") -> bytearray:
    raw = to_bytes(data, budget)
    if encoding not in _LATIN1:
        raise Refused(f"bytearray with {encoding!r:.40}")
    budget.charge(len(raw))
    return bytearray(raw)


def _complex(budget: Budget, real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError("it holds a complex number that is none")
    return complex(real, imaginary)


def _encode(budget: Budget, text: Any, encoding: Any = "latin1") -> bytes:
    """Stand in for `_codecs.encode`, by which Python 2 bytes are written, and only for that."""
    if type(text) is not str or encoding not in _LATIN1:
        raise Refused(f"_codecs.encode with {encoding!r:.40}")
    return bytes(to_bytes(text, budget))


def _reconstruct(budget: Budget, kind: Any, shape: Any, code: Any) -> PendingArray:
    if kind is not _NAMES["numpy.ndarray"]:
        raise Refused("numpy's _reconstruct of something that is not an array")
    budget.charge(SET_BYTES)
    return PendingArray()


def _frombuffer(
    budget: Budget, data: Any, kind: Any, shape: Any, order: Any, axes: Any = None
) -> Any:
    if type(data) is list:
        raise ValueError("it holds an array of bytes without any")
    if order == "K":  # the axes were in another order in memory
        if sorted(axes) != list(range(len(shape))):
            raise ValueError(f"it holds an array with the axes {axes!r:.40}")
        return make_array(shape, kind, "C", data, budget).transpose(axes)
    return make_array(shape, kind, order, data, budget)


#: Python 2's modules, and NumPy 1's, which have been renamed.
_OTHER_MODULES = {
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}

_NAMES: dict[str, Name] = {
    name: Name(name, make)
    for name, make in {
        "numpy.ndarray": None,
        "numpy.dtype": lambda budget, code, align=0, copy=1: pending_type(code),
        "numpy._core.multiarray._reconstruct": _reconstruct,
        "numpy._core.multiarray.scalar": lambda budget, kind, data: make_scalar(kind, data, budget),
        "numpy._core.numeric._frombuffer": _frombuffer,
        "collections.OrderedDict": _dict,
        "collections.defaultdict": _default_dict,
        "builtins.set": _set,
        "builtins.frozenset": _frozenset,
        "builtins.list": _list,
        "builtins.dict": _dict,
        "builtins.tuple": _tuple,
        "builtins.bytes": _bytes,
        "builtins.bytearray": _bytearray,
        "builtins.complex": _complex,
        "builtins.int": None,
        "builtins.float": None,
        "builtins.str": None,
        "_codecs.encode": _encode,
    }.items()
}
