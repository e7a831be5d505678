"""The kinds of links there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmgraph.errors import DataError, quote, unknown_name
from mmgraph.links import by_key, same_value, sequence
from mmgraph.links.base import LinkKind

#: By the names that saved models have for them.
KINDS: dict[str, type[LinkKind]] = {
    each.__name__: each for each in (by_key.Link, sequence.Sequence, same_value.SameValue)
}


def restore_link(described: dict[str, Any]) -> LinkKind:
    """Return the link that `LinkKind.describe` described.

    Raises:
        DataError: There is no such kind.
        TypeError: It has other arguments.
    """
    values = dict(described)
    name = values.pop("kind", None)
    if name not in KINDS:
        raise DataError(unknown_name("kind of link", name, KINDS))
    return KINDS[name](**values)


def check_links(links: Any) -> list[LinkKind]:
    """Return links as a list; refuse what is none.

    Raises:
        ValueError: The message says what to write instead.
    """
    if isinstance(links, LinkKind):
        raise ValueError(f"links: expected a list of them, write [{links!r}]")
    if links is None:
        return []
    if isinstance(links, str) or not isinstance(links, Sequence):
        raise ValueError(f"links: expected a list such as [SameValue('seller')], got {links!r}")
    for each in links:
        if not isinstance(each, LinkKind):
            raise ValueError(
                f"links: expected links such as Link('parent_id', key='id'), got {quote(each)}"
            )
    return list(links)
