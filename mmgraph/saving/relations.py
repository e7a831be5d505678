"""Relations as JSON holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mmgraph.graph import relations
from mmgraph.graph.relations import Custom, EdgeList, Relation

if TYPE_CHECKING:
    pass


def write_relations(chosen: Mapping[Any, Relation] | None) -> list[Any] | None:
    """Return what JSON can hold of the chosen relations.

    Raises:
        TypeError: One holds a function or a list, or is not mmgraph's own.
    """
    if chosen is None:
        return None
    return [[list(edge), *_write_relation(each)] for edge, each in chosen.items()]


def _write_relation(relation: Relation) -> list[Any]:
    kind = type(relation)
    if getattr(relations, kind.__name__, None) is not kind or kind in (Custom, EdgeList):
        raise TypeError(
            f"only mmgraph's own relations, without functions and lists, can be saved: {relation!r}"
        )
    values = {field.name: getattr(relation, field.name) for field in dataclasses.fields(kind)}
    return [
        kind.__name__,
        {k: _write_relation(v) if isinstance(v, Relation) else v for k, v in values.items()},
    ]


def read_relations(written: list[Any] | None) -> dict[Any, Relation] | None:
    """Return the relations that `write_relations` wrote."""
    if written is None:
        return None
    return {tuple(edge): _read_relation(kind, values) for edge, kind, values in written}


def _read_relation(kind: str, values: dict[str, Any]) -> Relation:
    inner = {k: _read_relation(*v) if isinstance(v, list) else v for k, v in values.items()}
    relation: Relation = getattr(relations, kind)(**inner)
    return relation
