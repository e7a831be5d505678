"""From descriptions of links to the rows that each row sees."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from mmgraph.links.base import LinkKind, RowKeys

logger = logging.getLogger("mmgraph")


@dataclass(frozen=True, eq=False, slots=True)
class SeenRows:
    """The rows that one row sees; what stands in its cell.

    Args:
        row: Their numbers, the training rows first.
        relation: Number of the relation of each.
        distance: Steps to each in a sequence; 0 elsewhere.
        votes: Whether the target of each is known and may be seen.
    """

    row: Int[np.ndarray, "seen"]
    relation: Int[np.ndarray, "seen"]
    distance: Int[np.ndarray, "seen"]
    votes: Bool[np.ndarray, "seen"]


def resolve(links: Sequence[LinkKind], rows: RowKeys) -> list[SeenRows | None]:
    """Return what each row that is asked for sees; None where that is nothing.

    What links lead nowhere is logged.

    Args:
        links: Descriptions of links.
        rows: The rows of the training, and those that are asked for.
    """
    parts = []
    number = 0
    for link in links:
        found = link.find(rows)
        if found.said:
            logger.info("%s: %s", link, found.said)
        for edges in found.edges:
            logger.info(
                "%s: %d links of %d of %d rows",
                *(edges.relation, len(edges.row), len(np.unique(edges.row)), len(rows.asked)),
            )
            relation = np.full(len(edges.row), number)
            parts.append(np.stack([edges.row, edges.linked, relation, edges.distance]))
            number += 1
    table = np.concatenate(parts, axis=1)
    table = table[:, np.argsort(table[0], kind="stable")]
    asked = np.arange(rows.known, rows.length)
    begin, end = (np.searchsorted(table[0], asked, side) for side in ("left", "right"))
    return [
        _seen(table[1:, first:last], rows.known) if last > first else None
        for first, last in zip(begin.tolist(), end.tolist(), strict=True)
    ]


def _seen(columns: Int[np.ndarray, "3 seen"], known: int) -> SeenRows:
    row, relation, distance = columns
    return SeenRows(row, relation, distance, row < known)


def relation_names(links: Sequence[LinkKind]) -> list[str]:
    """Return the names of all relations.

    Raises:
        ValueError: Two have the same name.
    """
    names = [name for link in links for name in link.relations]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"links: two of them have the relation {repeated[0]!r}; leave one out, or rename a "
            "column"
        )
    return names
