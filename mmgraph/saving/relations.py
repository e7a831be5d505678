"""Relations as JSON holds them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from mmgraph.errors import DataError
from mmgraph.graph import relations
from mmgraph.graph.relations import Custom, EdgeList, Relation
from mmgraph.system.plugins import find_plugins
from mmgraph.typing import EdgeType

#: What `load` may be told of relations: all of them by edge type, or classes besides mmgraph's.
GivenRelations = Mapping[EdgeType, Relation] | Sequence[type[Relation]]


def write_relations(chosen: Mapping[EdgeType, Relation] | None) -> list[Any] | None:
    """Return what JSON can hold of the chosen relations; settings are None where it cannot."""
    if chosen is None:
        return None
    return [
        [list(edge), type(each).__name__, None if why_not_saved(each) else _settings(each)]
        for edge, each in chosen.items()
    ]


def why_not_saved(relation: Relation) -> str | None:
    """Say why a relation cannot be written, or None when it can.

    Example:
        >>> from mmgraph.relations import Chain
        >>> why_not_saved(Chain(2))
        >>> why_not_saved(Custom(lambda source, target: source.mask.unsqueeze(1)))
        'Custom holds a function'
    """
    kind = type(relation)
    if kind is Custom:
        return "Custom holds a function"
    if kind is EdgeList:
        return "EdgeList holds the edges of one batch"
    own = _own().get(kind.__name__)
    if own is not None and own is not kind:
        return f"there is a {kind.__name__} in mmgraph"
    if vars(relation) and not dataclasses.is_dataclass(relation):
        return f"{kind.__name__} is no dataclass"
    for name, value in _fields(relation).items():
        if isinstance(value, Relation):
            reason = why_not_saved(value)
            if reason:
                return reason
        elif not _is_plain(value):
            return f"its {name} is a {type(value).__name__}"
    return None


def read_relations(
    written: list[Any] | None, given: GivenRelations = ()
) -> dict[EdgeType, Relation] | None:
    """Return the relations that `write_relations` wrote.

    Args:
        written: What it returned.
        given: All relations by edge type, which are then taken as they are; or classes besides
            mmgraph's own and those of plug-ins.

    Raises:
        DataError: A relation was not written, or its class is not known; or those given join
            other nodes.
    """
    if written is None:
        return None
    if isinstance(given, Mapping):
        return _check_given(written, given)
    plugins = find_plugins(Relation)
    known = {**plugins, **{each.__name__: each for each in given}, **_own()}
    return {tuple(edge): _read_relation(kind, values, known) for edge, kind, values in written}


def _check_given(
    written: list[Any], given: Mapping[EdgeType, Relation]
) -> dict[EdgeType, Relation]:
    edges = {tuple(edge) for edge, *_ in written}
    if set(given) != edges:
        raise DataError(
            f"relations: expected those of {sorted(edges)}, got {sorted(given)}; pass what the "
            "model was made with"
        )
    return {edge: given[edge] for edge in (tuple(each) for each, *_ in written)}


def _own() -> dict[str, type[Relation]]:
    kinds = (getattr(relations, name) for name in relations.__all__)
    return {
        each.__name__: each
        for each in kinds
        if isinstance(each, type) and issubclass(each, Relation)
    }


def _fields(relation: Relation) -> dict[str, Any]:
    if not dataclasses.is_dataclass(relation):
        return {}
    return {each.name: getattr(relation, each.name) for each in dataclasses.fields(relation)}


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def _settings(relation: Relation) -> dict[str, Any]:
    return {
        name: {"relation": type(value).__name__, "settings": _settings(value)}
        if isinstance(value, Relation)
        else value
        for name, value in _fields(relation).items()
    }


def _read_relation(
    name: str, values: dict[str, Any] | None, known: Mapping[str, type[Relation]]
) -> Relation:
    if values is None:
        raise DataError(
            f"was made with a relation {name:.80} that holds code or data, which is not saved; "
            "pass all relations by edge type: load(path, relations={...})"
        )
    if name not in known:
        raise DataError(
            f"was made with the relation {name:.80}, which is not one of mmgraph's; pass its "
            f"class, load(path, relations=[{name:.80}]), or name its module by add_plugin (in a "
            "shell: --plugin)"
        )
    return known[name](**{key: _read_value(value, known) for key, value in values.items()})


def _read_value(value: Any, known: Mapping[str, type[Relation]]) -> Any:
    if isinstance(value, dict):
        return _read_relation(value["relation"], value["settings"], known)
    if isinstance(value, list):
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict):
            # Models that were saved before hold relations within others as lists.
            return _read_relation(value[0], value[1], known)
        return tuple(_read_value(each, known) for each in value)
    return value
