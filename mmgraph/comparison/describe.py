"""Descriptions of settings and data that are the same in the next process, to make keys of."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import json
import os
import sysconfig
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.comparison.source import describe_source
from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

#: Of a file this much is read at its start and at its end.
_FILE_PART = 1 << 16


def fingerprint(value: Any) -> str:
    """Return a short hash of something that `describe_value` can describe."""
    text = json.dumps(describe_value(value), sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def describe_value(value: Any) -> Any:
    """Return JSON that tells apart what could lead to other results.

    Estimators are described by their parameters, data classes by their fields, classes by their
    source, functions by theirs and what they close over, arrays by their contents.

    Raises:
        DataError: An object cannot be told from others of its class.

    Example:
        >>> describe_value({"rate": 0.5, "kind": np.array([1, 2])})["rate"]
        0.5
        >>> describe_value(lambda x: x + 1) == describe_value(lambda x: x + 2)
        False
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path | Enum):
        return str(value)
    if isinstance(value, bytes):
        return hashlib.blake2b(value, digest_size=12).hexdigest()
    if isinstance(value, Mapping):
        if all(isinstance(key, str) for key in value):
            return {key: describe_value(each) for key, each in value.items()}
        return [[describe_value(key), describe_value(each)] for key, each in value.items()]
    if isinstance(value, list | tuple):
        return [describe_value(each) for each in value]
    if isinstance(value, set | frozenset):
        return ["set", *sorted((describe_value(each) for each in value), key=json.dumps)]
    if isinstance(value, type) or (callable(value) and not hasattr(value, "get_params")):
        return _describe_callable(value)
    return _describe_object(value)


def _describe_callable(value: Any) -> Any:
    if isinstance(value, functools.partial):
        return [
            "partial",
            describe_value(value.func),
            describe_value(value.args),
            describe_value(value.keywords),
        ]
    if isinstance(value, types.MethodType):
        return ["method", describe_value(value.__func__), describe_value(value.__self__)]
    if isinstance(value, types.FunctionType):
        closure = inspect.getclosurevars(value).nonlocals
        defaults = [value.__defaults__, value.__kwdefaults__]
        code = _source_of(value) if value.__name__ != "<lambda>" else None
        return [
            "" if value.__name__ == "<lambda>" else _name_of(value),
            code or _describe_code(value.__code__),
            describe_value(closure),
            describe_value(defaults),
        ]
    if isinstance(value, types.BuiltinFunctionType):
        return _name_of(value)
    if isinstance(value, type):
        return [_name_of(value), _source_of(value), *_own_code(value.__mro__[1:])]
    return _describe_object(value)


def _source_of(value: Any) -> str | None:
    """Return a hash of what a class or a function computes; None where no source can be read."""
    try:
        return describe_source(inspect.getsource(value))
    except (OSError, TypeError, SyntaxError):
        return None


def _own_code(kinds: Sequence[type]) -> list[str | None]:
    """Return hashes of classes, as far as they are of the user's own code.

    That of installed packages is told apart by their versions, and mmgraph's by what a run reads.
    """
    return [_source_of(each) for each in kinds if _is_users(each)]


def _is_users(kind: type) -> bool:
    if kind.__module__.split(".")[0] in ("mmgraph", "builtins"):
        return False
    try:
        path = Path(inspect.getfile(kind)).resolve()
    except (OSError, TypeError):
        return False
    paths = sysconfig.get_paths()
    installed = [Path(paths[name]).resolve() for name in paths if "lib" in name]
    return not any(path.is_relative_to(each) for each in installed)


def _describe_code(code: types.CodeType) -> Any:
    constants = [
        _describe_code(each) if isinstance(each, types.CodeType) else repr(each)
        for each in code.co_consts
    ]
    return [code.co_code.hex(), list(code.co_names), constants]


def _describe_object(value: Any) -> Any:
    kind = _name_of(type(value))
    code = _own_code(type(value).__mro__)
    if hasattr(value, "get_params"):
        return [kind, describe_value(value.get_params(deep=False)), *code]
    if dataclasses.is_dataclass(value):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return [kind, {name: describe_value(getattr(value, name)) for name in fields}, *code]
    array = _as_array(value)
    if array is not None:
        if array.dtype.kind == "O":
            return [
                kind,
                list(array.shape),
                [describe_value(each) for each in array.ravel().tolist()],
            ]
        return [kind, str(array.dtype), list(array.shape), describe_value(array.tobytes())]
    if type(value).__repr__ is object.__repr__:
        raise DataError(
            f"cannot tell one {kind} from another, so that its runs could not be found again; "
            "give the class a __repr__ that shows its settings"
        )
    return [kind, repr(value)]


def _as_array(value: Any) -> np.ndarray | None:
    """Return arrays, tensors and pictures as arrays; None for anything else."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):
        return np.asarray(value.detach().cpu())
    if hasattr(value, "__array_interface__"):
        return np.asarray(value)
    return None


def _name_of(value: Any) -> str:
    """Return the name, of mmgraph's own without the module, which may move."""
    own = value.__module__.split(".")[0] == "mmgraph"
    return str(value.__qualname__) if own else f"{value.__module__}.{value.__qualname__}"


def fingerprint_frame(frame: pd.DataFrame) -> str:
    """Return a hash of a table: its columns and cells, and the contents of files they name.

    Files are told apart by their name, their size, and their first and last 64 KiB.
    """
    known = lru_cache(maxsize=None)(_describe_text)
    digest = hashlib.blake2b(digest_size=12)
    for column in frame.columns:
        values = frame[column]
        if isinstance(values.dtype, np.dtype) and values.dtype.kind in "biufM":
            cells: Any = values.to_numpy().tobytes().hex()
        else:
            cells = [known(x) if isinstance(x, str) else describe_cell(x) for x in values.tolist()]
        digest.update(json.dumps([str(column), str(values.dtype), cells]).encode())
    return digest.hexdigest()


def describe_cell(value: Any) -> Any:
    """Describe a raw value of a table; NaN and its like are None."""
    if isinstance(value, str | Path):
        return _describe_text(str(value))
    if isinstance(value, list | tuple):
        return [describe_cell(each) for each in value]
    if value is None or (np.isscalar(value) and value != value) or type(value).__name__ == "NAType":
        return None
    return describe_value(value)


def _describe_text(text: str) -> Any:
    """Describe a text; where it is the path of a file, the file, wherever that lies."""
    if not os.path.isfile(text):
        return text
    size = os.path.getsize(text)
    with open(text, "rb") as file:
        start = file.read(_FILE_PART)
        file.seek(max(0, size - _FILE_PART))
        return ["file", os.path.basename(text), size, describe_value(start + file.read())]
