"""Values of arguments, checked against the types that their classes declare."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
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
    for name, kinds in _kinds(kind).items():
        value = getattr(part, name)
        if any(_is_one(value, kind) for kind in kinds):
            continue
        words = " or ".join(dict.fromkeys(map(_say, kinds)))
        raise ValueError(
            f"{type(part).__name__}: expected {name} to be {words}, got {quote(value)}"
        )


@cache
def _kinds(cls: Hashable) -> dict[str, tuple[Any, ...]]:
    """Return the types of the arguments whose types can be checked."""
    assert isinstance(cls, type)
    try:
        hints = get_type_hints(cls)
    except Exception:  # names that only type checkers import
        return {}
    found = {}
    for field in dataclasses.fields(cls):
        kind = hints.get(field.name)
        kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        plain = all(each in _WORDS or get_origin(each) is Literal for each in kinds)
        if field.init and plain:
            found[field.name] = kinds
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
