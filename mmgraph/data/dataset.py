"""Rows that are transformed, as a torch dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from mmgraph.data.batch import Batch
from mmgraph.data.sampling import BucketSampler, StepPart, StepSampler
from mmgraph.data.transform import read_items
from mmgraph.data.whole_table import bind_table
from mmgraph.modalities.base import Modality
from mmgraph.system import distributed
from mmgraph.tables.opening import Table
from mmgraph.tables.stream import RowStream
from mmgraph.typing import Item

if TYPE_CHECKING:
    pass


def read_batches(
    modalities: Sequence[Modality],
    table: Table | RowStream,
    batch_size: int,
    start: int | None = 0,
) -> Iterator[Batch]:
    """Read all rows in order, batch by batch; as `transform`."""
    modalities, table = bind_table(modalities, table)
    for items in read_items(modalities, table, start):
        yield from SampleDataset(modalities, items).batches(batch_size)


class SampleDataset(Dataset[Batch]):
    """Samples as lists of items, joined into batches.

    Args:
        modalities: Fitted modalities.
        items: Items of every row by node type, as `transform` gives them.
        target: Target of each row. Default: None.
        augment: Change items randomly, as each modality does it. Default: False.
        modality_dropout: Probability of hiding a modality of a row, each by itself; one that
            the row has always stays. Default: 0.0.
        names: What the table calls each row; None: rows are numbered. Default: None.
    """

    #: Most rows that the linear model is fitted on; None: all.
    linear_rows: ClassVar[int | None] = None

    def __init__(
        self,
        modalities: Sequence[Modality],
        items: dict[str, list[list[Item]]],
        target: Shaped[Tensor, "rows *outputs"] | None = None,
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
        names: Sequence[str] | None = None,
    ) -> None:
        self.modalities = list(modalities)
        self.items = items
        self.target = target
        self.augment = augment
        self.modality_dropout = modality_dropout
        self.names = list(map(str, range(len(self)))) if names is None else names

    def __len__(self) -> int:
        return len(next(iter(self.items.values())))

    def __getitem__(self, part: StepPart) -> Batch:
        # Rows are read together, modality by modality.
        batch = self.collate(part.rows)
        whole = None if self.target is None else self.target[torch.as_tensor(part.step)]
        return replace(batch, step_target=whole, counted=part.counted)

    def subset(
        self,
        rows: Sequence[int] | Int[np.ndarray, "chosen"],
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
    ) -> SampleDataset:
        """Return some of the rows."""
        items = {name: [values[row] for row in rows] for name, values in self.items.items()}
        target = None if self.target is None else self.target[torch.as_tensor(rows)]
        return SampleDataset(
            self.modalities,
            items,
            target,
            augment=augment,
            modality_dropout=modality_dropout,
            names=[self.names[row] for row in rows],
        )

    def collate(self, rows: Sequence[int]) -> Batch:
        """Join rows into one batch."""
        read = self._samples(rows)
        hidden = self._hidden(read, len(rows))
        joined = {}
        for modality, hide in zip(self.modalities, hidden, strict=True):
            samples = read[modality.node_type]
            samples = [[] if out else items for items, out in zip(samples, hide, strict=True)]
            if self.augment:
                samples = [[modality.augment(item) for item in sample] for sample in samples]
            joined[modality.node_type] = modality.collate(samples)
        target = None if self.target is None else self.target[torch.as_tensor(rows)]
        return Batch(joined, target, [self.names[row] for row in rows])

    def _samples(self, rows: Sequence[int]) -> dict[str, list[list[Item]]]:
        """Return the items of some rows by node type."""
        return {name: [values[row] for row in rows] for name, values in self.items.items()}

    def _hidden(self, read: dict[str, list[list[Item]]], rows: int) -> list[list[bool]]:
        """Say which modalities (outer) of which rows (inner) to hide."""
        shape = (len(self.modalities), rows)
        if not self.modality_dropout or len(self.modalities) == 1:
            return torch.zeros(shape, dtype=torch.bool).tolist()
        names = [modality.node_type for modality in self.modalities]
        has = torch.tensor([list(map(bool, read[name])) for name in names])
        hidden = torch.rand(shape) < self.modality_dropout
        # Where that would leave nothing, one of what there is stays.
        stays = (torch.rand(shape) * has).argmax(0)
        empty = (has & hidden).sum(0) == has.sum(0)
        hidden[stays[empty], empty.nonzero().squeeze(1)] = False
        return hidden.tolist()

    @cached_property
    def num_nodes(self) -> Int[np.ndarray, "rows"]:
        """Number of nodes of each row, which orders the buckets."""
        total = np.zeros(len(self), dtype=np.int64)
        for modality in self.modalities:
            samples = self.items[modality.node_type]
            total += [int(modality.collate([sample]).length.sum()) for sample in samples]
        return total

    def batches(self, batch_size: int) -> Iterator[Batch]:
        """Return all rows in order, batch by batch."""
        for start in range(0, len(self), batch_size):
            yield self.collate(range(start, min(start + batch_size, len(self))))

    def loader(
        self,
        batch_size: int,
        *,
        shuffle: bool = False,
        generator: torch.Generator | None = None,
        accumulate: int = 1,
    ) -> DataLoader[Batch]:
        """Return this process's parts of batches; shuffled ones hold samples of similar size.

        Args:
            batch_size: Rows of a step, over all processes.
            shuffle: Draw the rows in random order.
            generator: Source of that order, of the same seed in all processes.
            accumulate: Parts of a step that a process computes one after the other.
        """
        steps: Any
        if shuffle:
            steps = self._sampler(batch_size, generator)
        else:
            steps = BatchSampler(SequentialSampler(self), batch_size, drop_last=False)
        parts = StepSampler(
            steps, distributed.rank(), distributed.world_size(), accumulate=accumulate
        )
        return DataLoader(self, batch_size=None, sampler=parts)

    def _sampler(self, batch_size: int, generator: torch.Generator | None) -> BucketSampler:
        """Return batches of all rows in random order."""
        return BucketSampler(self.num_nodes, batch_size, generator=generator)
