"""Training rows that are read from disk for each batch, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from mmgraph.data.cells import modality_cells
from mmgraph.data.transform import declared_kinds, fit_modality
from mmgraph.modalities.base import Modality
from mmgraph.tables.base import DiskTable

logger = logging.getLogger("mmgraph")

#: Rows that modalities and the linear model are fitted on, where not all are in memory.
FITTING_ROWS = 20_000

#: Rows that are looked at together.
_PART = 4096


@dataclass(frozen=True)
class Survey:
    """What one pass over all rows tells.

    Args:
        length: A number for each row that grows with its nodes: characters, or steps.
        rows_with: Number of rows that have something of each modality.
        several: Modalities of which some row has several items.
    """

    length: Int[np.ndarray, "rows"]
    rows_with: dict[str, int]
    several: set[str]


def fit_on_sample(
    modalities: Sequence[Modality], table: DiskTable, *, seed: int
) -> tuple[list[Modality], Survey]:
    """Return modalities fitted on rows at equal distances, and what all the rows tell.

    Raises:
        DataError: A cell cannot be read, or a column is not there.
    """
    import pandas as pd

    for each in modalities:
        modality_cells(each, table.head(1))  # says which columns there are, if one is not
    columns = dict.fromkeys(column for each in modalities for column in each.column_list)
    table = table.select(list(columns))
    length = np.zeros(len(table), np.int32)
    rows_with = {each.node_type: 0 for each in modalities}
    several: set[str] = set()
    every = -(-len(table) // FITTING_ROWS)
    sample = []
    for part in table.parts(_PART):
        first = int(part.index[0])
        for each in modalities:
            cells = modality_cells(each, part)
            length[first : first + len(part)] += [sum(map(_size, cell)) for cell in cells]
            rows_with[each.node_type] += sum(map(bool, cells))
            if any(len(cell) > 1 for cell in cells):
                several.add(each.node_type)
        sample.append(part[part.index % every == 0])
    rows = pd.concat(sample)
    if every > 1:
        logger.info("vocabularies and statistics are of %d of %d rows", len(rows), len(table))
    kinds = declared_kinds(table.head(1))  # rows of several parts have lost it
    fitted = [fit_modality(each, rows, seed=seed, kinds=kinds) for each in modalities]
    return fitted, Survey(length, rows_with, several)


def _size(raw: Any) -> int:
    return len(raw) if isinstance(raw, str | list | tuple | np.ndarray) and np.ndim(raw) < 2 else 1
