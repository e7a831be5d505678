"""From tables to batches: the torch dataset and collation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Int, Shaped
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, SequentialSampler

from mmgraph.data.cells import modality_cells
from mmgraph.data.sampling import BucketSampler, Part, StepParts
from mmgraph.errors import CellError, DataError
from mmgraph.graph.items import Items
from mmgraph.modalities.base import Modality
from mmgraph.system import distributed
from mmgraph.tables.base import DiskTable
from mmgraph.tables.opening import Table, parts
from mmgraph.tables.stream import RowStream
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd

#: Rows that are decoded and held in memory at once while predicting.
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Batch:
    """Items of every modality for some samples, with their targets where known.

    Args:
        items: Items by node type.
        target: Target of each sample, as its task encodes it.
        names: What the table calls each sample, for messages.
        step_target: Where this is a part of a step, the target of all samples of the step.
        counted: False where the samples only stand in, see `Part`.
    """

    items: dict[str, Items]
    target: Shaped[Tensor, "batch *outputs"] | None = None
    names: Sequence[str] = ()
    step_target: Shaped[Tensor, "step *outputs"] | None = None
    counted: bool = True

    def to(self, device: torch.device | str) -> Batch:
        """Return the same batch on another device."""
        return self._map(lambda each: each.to(device))

    def pin_memory(self) -> Batch:
        """Return the same batch in page-locked memory, for quicker copies to a GPU."""
        return self._map(lambda each: each.pin_memory())

    def _map(self, move: Callable[[Any], Any]) -> Batch:
        return replace(
            self,
            items={name: move(each) for name, each in self.items.items()},
            target=None if self.target is None else move(self.target),
            step_target=None if self.step_target is None else move(self.step_target),
        )


def row_name(index: Any, row: int) -> str:
    """Return what a table calls a row, as messages show it."""
    label = index[row]
    return repr(label.item() if isinstance(label, np.generic) else label)


def row_error(
    frame: pd.DataFrame, modality: Modality, error: CellError, *, start: int | None = 0
) -> DataError:
    """Return the error of one cell with the row and the column it stands in.

    Args:
        frame: The rows that were read.
        modality: The modality that read them.
        error: The cell's error, whose row counts within `frame`.
        start: Position of the first of these rows in the whole table; None: the index says
            all that is worth saying.
    """
    # What came by column is said to have done so in the reason.
    columns = ", ".join(map(repr, modality.column_list))
    where = [] if modality.by_column else [f"column {columns}"]
    if error.row is not None:
        label = row_name(frame.index, error.row)
        position = None if start is None else start + error.row
        at = "" if position is None or label == repr(position) else f" (position {position})"
        where.insert(0, f"row {label}{at}")
    return DataError(f"{', '.join(where) or columns}: {error.reason}")


def fit_modality(modality: Modality, frame: pd.DataFrame, *, seed: int) -> Modality:
    """Return a copy of a modality, fitted on its columns.

    Raises:
        DataError: A cell cannot be read.
        ValueError: An argument of the modality is none of its choices.
    """
    modality.check_choices()
    cells = modality_cells(modality, frame)
    try:
        return modality.fit(cells, seed=seed)
    except CellError as error:
        raise row_error(frame, modality, error) from error


def transform(
    modalities: Sequence[Modality],
    frame: pd.DataFrame,
    *,
    start: int | None = 0,
    traced: bool = False,
) -> dict[str, list[list[Item]]]:
    """Return the items of every row by node type.

    Args:
        modalities: Fitted modalities.
        frame: The rows to read.
        start: Position of the first of these rows in the whole table, for messages, as in
            `row_error`.
        traced: Make items that can be taken apart, as explanations need them; see
            `Modality.trace`.

    Raises:
        DataError: A cell cannot be read.
    """
    items = {}
    for modality in modalities:
        cells = modality_cells(modality, frame)
        try:
            items[modality.node_type] = (
                modality.trace(cells) if traced else modality.transform(cells)
            )
        except CellError as error:
            raise row_error(frame, modality, error, start=start) from error
    return items


def read_items(
    modalities: Sequence[Modality], table: Table | RowStream, start: int | None = 0
) -> Iterator[dict[str, list[list[Item]]]]:
    """Read rows a part at a time, so that memory does not grow with the table; as `transform`."""
    if isinstance(table, DiskTable):
        wanted = {column for each in modalities for column in each.column_list}
        table = table.select([column for column in table.columns if column in wanted])
    for first, part in parts(table, _ROWS_AT_ONCE):
        yield transform(modalities, part, start=None if start is None else start + first)


def read_batches(
    modalities: Sequence[Modality],
    table: Table | RowStream,
    batch_size: int,
    start: int | None = 0,
) -> Iterator[Batch]:
    """Read all rows in order, batch by batch; as `transform`."""
    for items in read_items(modalities, table, start):
        yield from SampleDataset(modalities, items).batches(batch_size)


def warn_without_input(index: Any, has_input: Bool[np.ndarray, "rows"]) -> None:
    """Name the rows of a table that have no input in any modality, where there are some.

    The warning points at the caller of the public method that calls this by another function.
    """
    rows = np.flatnonzero(~has_input)
    if len(rows):
        named = ", ".join(row_name(index, int(row)) for row in rows[:5])
        warnings.warn(
            f"row {named}: no input in any modality ({len(rows)} of {len(has_input)} rows); "
            "the prediction is the prior of the training rows",
            stacklevel=4,
        )


class SampleDataset(Dataset[Batch]):
    """Samples as lists of items, joined into batches.

    Args:
        modalities: Fitted modalities.
        items: Items of every row by node type, as `transform` gives them.
        target: Target of each row.
        augment: Change items randomly, as each modality does it.
        modality_dropout: Probability of hiding a modality of a row, each by itself; one that
            the row has always stays.
        names: What the table calls each row; None: rows are numbered.
    """

    #: Most rows that the additive model is fitted on; None: all.
    additive_rows: ClassVar[int | None] = None

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

    def __getitem__(self, part: Part) -> Batch:
        # Rows are read together, modality by modality.
        batch = self.collate(part.rows)
        whole = None if self.target is None else self.target[torch.as_tensor(part.step)]
        return replace(batch, step_target=whole, counted=part.counted)

    def subset(
        self,
        rows: Sequence[int] | Int[np.ndarray, "kept"],
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
        parts = StepParts(
            steps, distributed.rank(), distributed.world_size(), accumulate=accumulate
        )
        return DataLoader(self, batch_size=None, sampler=parts)

    def _sampler(self, batch_size: int, generator: torch.Generator | None) -> BucketSampler:
        """Return batches of all rows in random order."""
        return BucketSampler(self.num_nodes, batch_size, generator=generator)
