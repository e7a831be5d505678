"""From tables to batches: reading frames and cells, the torch dataset, bucketing, collation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from mmgraph.errors import CellError, DataError, MissingPackageError
from mmgraph.items import Items
from mmgraph.modalities.base import Modality
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd

#: Batches that are sorted by length together; more pads less and shuffles less.
_BATCHES_PER_BUCKET = 8


@dataclass(frozen=True)
class Batch:
    """Items of every modality for some samples, with their targets where known.

    Args:
        items: Items by node type.
        target: Target of each sample, as its task encodes it.
    """

    items: dict[str, Items]
    target: Shaped[Tensor, "batch *outputs"] | None = None

    def to(self, device: torch.device | str) -> Batch:
        """Return the same batch on another device."""
        target = None if self.target is None else self.target.to(device)
        return Batch({name: items.to(device) for name, items in self.items.items()}, target)

    def pin_memory(self) -> Batch:
        """Return the same batch in page-locked memory, for quicker copies to a GPU."""
        target = None if self.target is None else self.target.pin_memory()
        return Batch({k: items.pin_memory() for k, items in self.items.items()}, target)


def read_frame(data: Any) -> pd.DataFrame:
    """Return a DataFrame from a frame, a Hugging Face dataset, or a table's path.

    Args:
        data: A pandas DataFrame, a `datasets.Dataset`, a mapping of columns, or the path of a
            CSV, TSV, JSON Lines or Parquet file.

    Raises:
        DataError: The input is none of these, its file is missing, or it has no rows.
        MissingPackageError: The file is a Parquet file and pyarrow is not installed.
    """
    import pandas as pd

    if isinstance(data, str | Path):
        frame = _read_file(Path(data))
    elif isinstance(data, pd.DataFrame):
        frame = data
    elif hasattr(data, "to_pandas") and hasattr(data, "column_names"):
        # Row by row: a Hugging Face dataset decodes its images only then.
        frame = pd.DataFrame({name: list(data[name]) for name in data.column_names})
    elif isinstance(data, Mapping):
        try:
            frame = pd.DataFrame(data)
        except ValueError as error:
            raise DataError(
                f"expected lists of the same length, got a mapping with {error}; pass one list "
                "for each column"
            ) from error
    else:
        raise DataError(
            "expected a DataFrame, a Hugging Face dataset, or the path of a .csv, .tsv, .jsonl or "
            f".parquet file, got {type(data).__name__}"
        )
    if len(frame) == 0:
        raise DataError("expected at least one row, got an empty table")
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"expected every column once, got {repeated} repeated; rename them")
    return frame


def _read_file(path: Path) -> pd.DataFrame:
    import pandas as pd

    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": lambda path: pd.read_csv(path),
        ".tsv": lambda path: pd.read_csv(path, sep="\t"),
        # JSON says itself what is text; pandas would make numbers and dates of some of it.
        ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
        ".parquet": lambda path: pd.read_parquet(path),
    }
    if path.suffix.lower() not in readers:
        raise DataError(f"{path}: expected a table ending in {', '.join(readers)}; convert it")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; correct the path")
    try:
        return readers[path.suffix.lower()](path)
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: expected at least one row, got an empty file") from None
    except ImportError as error:
        raise MissingPackageError(f"{path}: Parquet files need pip install pyarrow") from error
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {error}") from error


def is_missing(value: Any) -> bool:
    """Say whether a raw value stands for nothing: None, NaN, NaT, "" or blanks, []."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list | tuple | bytes):
        return len(value) == 0
    if isinstance(value, np.ndarray):
        return value.size == 0
    try:
        return bool(value != value)  # NaN, NaT
    except (TypeError, ValueError, RuntimeError):  # pandas.NA, tensors
        return type(value).__name__ == "NAType"


def read_cells(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    takes_lists: bool = False,
    by_column: bool = False,
) -> list[list[Any]]:
    """Return the raw values of each row's cells, lists and columns flattened, nothing missing.

    Args:
        frame: The table.
        columns: The columns to read.
        takes_lists: A list of numbers, or of lists of numbers, is one value.
        by_column: Return (column, value) in place of each value.

    Raises:
        DataError: A column is not in the frame.
    """
    unknown = [column for column in columns if column not in frame.columns]
    if unknown:
        raise DataError(
            f"expected the column {unknown[0]!r}, got a table with the columns "
            f"{[str(column) for column in frame.columns]}; name one of these in the modality"
        )
    cells: list[list[Any]] = [[] for _ in range(len(frame))]
    for column in columns:
        for row, value in enumerate(frame[column].tolist()):
            values = [value] if takes_lists and _is_vector(value) else _values(value)
            real = [raw for raw in values if not is_missing(raw)]
            cells[row].extend([(column, raw) for raw in real] if by_column else real)
    return cells


def modality_cells(modality: Modality, frame: pd.DataFrame) -> list[list[Any]]:
    """Return the raw values of a modality's columns, in the form it asks for.

    Raises:
        DataError: A column is not in the frame.
    """
    return read_cells(
        frame,
        modality.column_list,
        takes_lists=modality.takes_lists,
        by_column=modality.by_column,
    )


def _values(value: Any) -> Sequence[Any]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
        # A signal with its rate is one value, and two arrays are two.
        return [value] if isinstance(value[1], int | float | np.number) else value
    if isinstance(value, list | tuple):
        return value
    # Lists come out of Parquet files as arrays of objects.
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUT":
        return value.ravel().tolist()
    return [value]


def _is_vector(value: Any) -> bool:
    """Say whether a cell holds numbers, in a list or in lists of one list, and nothing else."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        # Lists of lists come out of Parquet files as arrays of arrays.
        value = [each.tolist() if isinstance(each, np.ndarray) else each for each in value]
    if not isinstance(value, list | tuple) or not len(value):
        return False
    if all(isinstance(each, list | tuple) for each in value):
        return all(_is_vector(each) for each in value)
    return all(isinstance(each, int | float | np.number) for each in value)


def row_name(index: Any, row: int) -> str:
    """Return what a table calls a row, as messages show it."""
    label = index[row]
    return repr(label.item() if isinstance(label, np.generic) else label)


def row_error(
    frame: pd.DataFrame, modality: Modality, error: CellError, *, start: int = 0
) -> DataError:
    """Return the error of one cell with the row and the column it stands in.

    Args:
        frame: The rows that were read.
        modality: The modality that read them.
        error: The cell's error, whose row counts within `frame`.
        start: Position of the first of these rows in the whole table.
    """
    # What came by column is said to have done so in the reason.
    columns = ", ".join(map(repr, modality.column_list))
    where = [] if modality.by_column else [f"column {columns}"]
    if error.row is not None:
        label, position = row_name(frame.index, error.row), start + error.row
        at = "" if label == repr(position) else f" (position {position})"
        where.insert(0, f"row {label}{at}")
    return DataError(f"{', '.join(where) or columns}: {error.reason}")


def fit_modality(modality: Modality, frame: pd.DataFrame, *, seed: int) -> Modality:
    """Return a copy of a modality, fitted on its columns.

    Raises:
        DataError: A cell cannot be read.
    """
    cells = modality_cells(modality, frame)
    try:
        return modality.fit(cells, seed=seed)
    except CellError as error:
        raise row_error(frame, modality, error) from error


def transform(
    modalities: Sequence[Modality],
    frame: pd.DataFrame,
    *,
    start: int = 0,
    traced: bool = False,
) -> dict[str, list[list[Item]]]:
    """Return the items of every row by node type.

    Args:
        modalities: Fitted modalities.
        frame: The rows to read.
        start: Position of the first of these rows in the whole table, for messages.
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


class SampleDataset(Dataset[int]):
    """Samples as lists of items, with a collate function that joins them.

    Args:
        modalities: Fitted modalities.
        items: Items of every row by node type, as `transform` gives them.
        target: Target of each row.
        augment: Change items randomly, as each modality does it.
        modality_dropout: Probability of hiding a modality of a row, each by itself; one that
            the row has always stays.
    """

    def __init__(
        self,
        modalities: Sequence[Modality],
        items: dict[str, list[list[Item]]],
        target: Shaped[Tensor, "rows *outputs"] | None = None,
        *,
        augment: bool = False,
        modality_dropout: float = 0.0,
    ) -> None:
        self.modalities = list(modalities)
        self.items = items
        self.target = target
        self.augment = augment
        self.modality_dropout = modality_dropout

    def __len__(self) -> int:
        return len(next(iter(self.items.values())))

    def __getitem__(self, row: int) -> int:
        return row  # collation reads the rows itself, modality by modality

    def subset(
        self, rows: Sequence[int], *, augment: bool = False, modality_dropout: float = 0.0
    ) -> SampleDataset:
        """Return some of the rows."""
        items = {name: [values[row] for row in rows] for name, values in self.items.items()}
        target = None if self.target is None else self.target[torch.as_tensor(rows)]
        return SampleDataset(
            self.modalities, items, target, augment=augment, modality_dropout=modality_dropout
        )

    def collate(self, rows: Sequence[int]) -> Batch:
        """Join rows into one batch."""
        hidden = self._hidden(rows)
        joined = {}
        for modality, hide in zip(self.modalities, hidden, strict=True):
            samples = [self.items[modality.node_type][row] for row in rows]
            samples = [[] if out else items for items, out in zip(samples, hide, strict=True)]
            if self.augment:
                samples = [[modality.augment(item) for item in sample] for sample in samples]
            joined[modality.node_type] = modality.collate(samples)
        target = None if self.target is None else self.target[torch.as_tensor(rows)]
        return Batch(joined, target)

    def _hidden(self, rows: Sequence[int]) -> list[list[bool]]:
        """Say which modalities (outer) of which rows (inner) to hide."""
        shape = (len(self.modalities), len(rows))
        if not self.modality_dropout or len(self.modalities) == 1:
            return torch.zeros(shape, dtype=torch.bool).tolist()
        names = [modality.node_type for modality in self.modalities]
        has = torch.tensor([[bool(self.items[name][row]) for row in rows] for name in names])
        hidden = torch.rand(shape) < self.modality_dropout
        # Where that would leave nothing, one of what there is stays.
        stays = (torch.rand(shape) * has).argmax(0)
        empty = (has & hidden).sum(0) == has.sum(0)
        hidden[stays[empty], empty.nonzero().squeeze(1)] = False
        return hidden.tolist()

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
        self, batch_size: int, *, shuffle: bool = False, generator: torch.Generator | None = None
    ) -> DataLoader[int]:
        """Return batches; shuffled ones hold samples of similar size."""
        if not shuffle:
            return DataLoader(self, batch_size, collate_fn=self.collate)
        sampler = BucketSampler(self.num_nodes(), batch_size, generator=generator)
        return DataLoader(self, batch_sampler=sampler, collate_fn=self.collate)


class BucketSampler(Sampler[list[int]]):
    """Batches of rows of similar length, in random order, each row once an epoch.

    Rows are shuffled, sorted by length within some batches' worth, and cut into batches, so
    that little is padded and yet no two epochs have the same batches.

    Args:
        length: Length of every row.
        batch_size: Rows of a batch; the last batch may be smaller.
        generator: Source of randomness.
    """

    def __init__(
        self,
        length: Int[np.ndarray, "rows"],
        batch_size: int,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        self.length = torch.as_tensor(length)
        self.batch_size = batch_size
        self.generator = generator

    def __len__(self) -> int:
        bucket = self.batch_size * _BATCHES_PER_BUCKET
        full, rest = divmod(len(self.length), bucket)
        return full * _BATCHES_PER_BUCKET + -(-rest // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        shuffled = torch.randperm(len(self.length), generator=self.generator)
        batches: list[Tensor] = []
        for bucket in shuffled.split(self.batch_size * _BATCHES_PER_BUCKET):
            ordered = bucket[self.length[bucket].argsort(stable=True)]
            batches.extend(ordered.split(self.batch_size))
        for position in torch.randperm(len(batches), generator=self.generator).tolist():
            yield batches[position].tolist()
