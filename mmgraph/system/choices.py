"""Values of arguments, checked against the types that their classes declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Mapping
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from mmgraph.errors import quote

#: Types that are checked, in words, with what counts as one of them.
_WORDS: dict[Any, tuple[str, type | tuple[type, ...]]] = {
    int: ("a whole number", Integral),
    float: ("a number", Real),
    bool: ("True or False", (bool, np.bool_)),
    str: ("a text", str),
    Path: ("a path", Path),
    NoneType: ("None", NoneType),
}


def check_choices(part: Any) -> None:
    """Refuse arguments of a data class that are of another type than it declares, or no choice.

    Only plain types are looked at: numbers, texts, paths, truth values, and literal choices of
    them. Numbers of NumPy are numbers.

    Args:
        part: An instance.

    Raises:
        ValueError: The message names the argument, what was expected and what came.

    Example:
        >>> from mmgraph.training.settings import Training
        >>> check_choices(Training())
    """
    kind: Any = type(part)
    kinds = _kinds(kind)
    _check(kind.__name__, kinds, {name: getattr(part, name) for name in kinds})


def check_call(make: Any, values: Mapping[str, Any]) -> None:
    """Refuse arguments of a class or a function in the same way, before it is called.

    Args:
        make: What is called; its types are declared.
        values: Some of its arguments, by name.

    Raises:
        ValueError: As `check_choices`.

    Example:
        >>> from mmgraph.nn import LateFusion
        >>> check_call(LateFusion, {"dropout": 0.5})
    """
    try:
        hints = get_type_hints(vars(make).get("__init__") if isinstance(make, type) else make)
    except Exception:  # names that only type checkers import, or nothing that has any
        return
    hints = {name: hint for name, hint in hints.items() if name in values}
    _check(getattr(make, "__name__", "fusion"), _plain(hints), values)


def _check(owner: str, kinds: Mapping[str, tuple[Any, ...]], values: Mapping[str, Any]) -> None:
    for name, choices in kinds.items():
        if any(_is_one(values[name], kind) for kind in choices):
            continue
        words = " or ".join(dict.fromkeys(map(_say, choices)))
        raise ValueError(f"{owner}: expected {name} to be {words}, got {quote(values[name])}")


@cache
def _kinds(cls: Hashable) -> dict[str, tuple[Any, ...]]:
    """Return the types of the arguments whose types can be checked."""
    assert isinstance(cls, type)
    try:
        hints = get_type_hints(cls)
    except Exception:  # names that only type checkers import
        return {}
    taken = [each.name for each in dataclasses.fields(cls) if each.init]
    return _plain({name: hints.get(name) for name in taken})


def _plain(hints: Mapping[str, Any]) -> dict[str, tuple[Any, ...]]:
    """Return the choices of those types that can be checked."""
    found = {}
    for name, kind in hints.items():
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        if all(each in _WORDS or get_origin(each) is Literal for each in kinds):
            found[name] = kinds
    return found


def _is_one(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return any(type(value) is type(each) and value == each for each in get_args(kind))
    if kind in (int, float) and isinstance(value, bool):
        return False
    if kind is bool and isinstance(value, Integral):
        return value in (0, 1)
    return isinstance(value, _WORDS[kind][1])


def _say(kind: Any) -> str:
    if get_origin(kind) is not Literal:
        return _WORDS[kind][0]
    choices = ", ".join(map(repr, get_args(kind)))
    return f"one of {choices}" if len(get_args(kind)) > 1 else choices
