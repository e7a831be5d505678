"""Rows of a table on disk, read and decoded for each batch."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from mmgraph.data.dataset import SampleDataset
from mmgraph.data.sampling import BucketSampler
from mmgraph.data.survey import FITTING_ROWS
from mmgraph.data.transform import transform
from mmgraph.modalities.base import Modality
from mmgraph.tables.base import DiskTable
from mmgraph.typing import Item

logger = logging.getLogger("mmgraph")


class DiskDataset(SampleDataset):
    """Rows of a table on disk, which are read and decoded for each batch.

    Args:
        modalities: Fitted modalities.
        table: The table.
        rows: Its rows that belong to this dataset, ascending.
        length: Length of each of these rows.
        target: Target of each of these rows. Default: None.
        augment: Change items randomly, as each modality does it. Default: False.
        modality_dropout: Probability of hiding a modality of a row. Default: 0.0.
    """

    linear_rows: ClassVar[int | None] = FITTING_ROWS

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
        rows: Sequence[int] | Int[np.ndarray, "chosen"],
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
    ) -> DiskDataset:
        """Return some of the rows."""
        chosen = np.asarray(rows)
        return DiskDataset(
            self.modalities,
            self.table,
            self.rows[chosen],
            self.length[chosen],
            None if self.target is None else self.target[torch.from_numpy(chosen)],
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
