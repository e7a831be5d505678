"""What comes out of a pickle, looked at as a whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mmgraph.datasets.pickles.limits import MOST_DEPTH, Refused
from mmgraph.datasets.pickles.names import Name

_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, bytearray})
_SERIES = (list, tuple, set, frozenset)


def check_outcome(value: Any, most: int) -> Any:
    """Return a value of arrays, numbers, strings and plain containers.

    Args:
        value: What a pickle holds.
        most: How many items it may have where what it holds several times counts as often.

    Raises:
        Refused: It holds something else.
        ValueError: It holds itself, is nested too deep, or has too many items.
    """
    # By id, for all of them live as long as the value: items, and levels.
    items: dict[int, int] = {}
    levels: dict[int, int] = {}
    above: set[int] = set()
    stack = [(value, False)]
    while stack:
        node, done = stack.pop()
        place = id(node)
        if not done:
            if place in above:
                raise ValueError("it holds something within itself")
            if place in items:
                continue
            above.add(place)
            stack.append((node, True))
            stack.extend((part, False) for part in _parts(node))
            continue
        above.discard(place)
        parts = _parts(node)
        levels[place] = 1 + max((levels[id(part)] for part in parts), default=0)
        items[place] = _own_items(node) + sum(items[id(part)] for part in parts)
        if levels[place] > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} levels deep")
        if items[place] > most:
            raise ValueError("it holds the same things over and over")
    return value


def _parts(node: Any) -> list[Any]:
    """Return the containers and arrays right within a node, which is checked."""
    if isinstance(node, np.ndarray):
        return _not_leaves(node.flat) if node.dtype == object else []
    if type(node) is dict:
        return [*_not_leaves(node), *_not_leaves(node.values())]
    return _not_leaves(node) if type(node) in _SERIES else _not_leaves([node])


def _not_leaves(values: Iterable[Any]) -> list[Any]:
    other = {kind for kind in set(map(type, values)) if not _is_leaf(kind)}
    return [value for value in values if type(value) in other and _admitted(value)] if other else []


def _is_leaf(kind: type) -> bool:
    return kind in _LEAVES or issubclass(kind, np.generic)


def _admitted(value: Any) -> bool:
    kind = type(value)
    if kind is not np.ndarray and kind is not dict and kind not in _SERIES:
        raise Refused(value.name if kind is Name else f"{kind.__module__}.{kind.__name__}")
    return True


def _own_items(node: Any) -> int:
    if isinstance(node, np.ndarray):
        return 1 + node.size
    return 1 + len(node) if type(node) in _SERIES or type(node) is dict else 1
