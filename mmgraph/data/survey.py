"""Training rows that are read from disk for each batch, however many there are."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from mmgraph.data.cells import modality_cells
from mmgraph.data.sampling import BucketSampler
from mmgraph.data.transform import SampleDataset, fit_modality, transform
from mmgraph.modalities.base import Modality
from mmgraph.tables.base import DiskTable
from mmgraph.typing import Item

logger = logging.getLogger("mmgraph")

#: Rows that modalities and the additive model are fitted on, where not all are in memory.
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
    fitted = [fit_modality(each, rows, seed=seed) for each in modalities]
    return fitted, Survey(length, rows_with, several)


def _size(raw: Any) -> int:
    return len(raw) if isinstance(raw, str | list | tuple | np.ndarray) and np.ndim(raw) < 2 else 1


class StreamDataset(SampleDataset):
    """Rows of a table on disk, which are read and decoded for each batch.

    Args:
        modalities: Fitted modalities.
        table: The table.
        rows: Its rows that belong to this dataset, ascending.
        length: Length of each of these rows.
        target: Target of each of these rows.
        augment: Change items randomly, as each modality does it.
        modality_dropout: Probability of hiding a modality of a row.
    """

    additive_rows: ClassVar[int | None] = FITTING_ROWS

    def __init__(
        self,
        modalities: Sequence[Modality],
        table: DiskTable,
        rows: Int[np.ndarray, "rows"],
        length: Int[np.ndarray, "rows"],
        target: Shaped[Tensor, "rows *outputs"] | None = None,
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
    ) -> None:
        self.table, self.rows, self.length = table, rows, length
        super().__init__(
            modalities,
            {},
            target,
            augment=augment,
            modality_dropout=modality_dropout,
            names=RowNames(rows),
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def num_nodes(self) -> Int[np.ndarray, "rows"]:
        """A number for each row that grows with its nodes."""
        return self.length

    def subset(
        self,
        rows: Sequence[int] | Int[np.ndarray, "kept"],
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
    ) -> StreamDataset:
        """Return some of the rows."""
        kept = np.asarray(rows)
        return StreamDataset(
            self.modalities,
            self.table,
            self.rows[kept],
            self.length[kept],
            None if self.target is None else self.target[torch.from_numpy(kept)],
            augment=augment,
            modality_dropout=modality_dropout,
        )

    def _samples(self, rows: Sequence[int]) -> dict[str, list[list[Item]]]:
        with _quiet():
            return transform(
                self.modalities, self.table.take(self.rows[np.asarray(rows)]), start=None
            )

    def _sampler(self, batch_size: int, generator: torch.Generator | None) -> BucketSampler:
        """Return batches of rows that are in a few groups at a time."""
        return BucketSampler(
            self.length,
            batch_size,
            generator=generator,
            groups=self.table.group_of(self.rows),
            groups_at_once=self.table.groups_at_once,
        )


class RowNames(Sequence[str]):
    """The places of rows as text, made when they are asked for.

    Args:
        rows: The places.
    """

    def __init__(self, rows: Int[np.ndarray, "rows"]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: Any) -> Any:
        return str(self.rows[number])


@contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what modalities say of every batch."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
