"""One row of a table whose cells are taken apart, for a model that is a function of rows."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.data.cells import read_cells
from mmgraph.errors import CellError, DataError, quote
from mmgraph.explain.record import ItemInput, NodeScore
from mmgraph.explain.unit_row import UnitRow
from mmgraph.modalities.base import Modality
from mmgraph.modalities.parts.base import Parts, WholeValue
from mmgraph.modalities.parts.choice import take_apart
from mmgraph.nn.task import Task
from mmgraph.tables.names import row_name

if TYPE_CHECKING:
    import pandas as pd

#: Variants of a row that a function is given at once.
_BATCH = 256

#: From a table to a logit for each row and output.
Logits = Callable[["pd.DataFrame"], Float[Tensor, "rows outputs"]]


class FunctionRow(UnitRow):
    """One row, whose units are words, regions, columns, and the whole of anything else.

    Units that are taken away are deleted from the cells themselves: the function is asked about
    tables like the one that came.

    Args:
        row: A table of one row.
        modalities: What its columns hold; they need not be fitted.
        logits: The function.
        task: What it predicts.
        absent: What a column of a `Tabular` holds when it is taken away; missing where there is
            none.

    Raises:
        DataError: A cell cannot be read.
    """

    def __init__(
        self,
        row: pd.DataFrame,
        modalities: Sequence[Modality],
        logits: Logits,
        task: Task,
        absent: Mapping[str, Any],
    ) -> None:
        self._row, self._function, self._task = row, logits, task
        folder = Path(tempfile.mkdtemp(prefix="mmgraph"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._cells: dict[str, _Cell] = {}
        self._units: list[tuple[Modality, int, int, Any]] = []
        self.inputs: list[ItemInput] = []
        for modality in modalities:
            self._read(modality, folder, absent)

    def _read(self, modality: Modality, folder: Path, absent: Mapping[str, Any]) -> None:
        item = 0
        for column in modality.column_list:
            try:
                cell = _Cell(self._row, column, modality, folder, absent.get(column))
            except CellError as error:
                row = row_name(self._row.index, 0)
                raise DataError(f"row {row}, column {quote(column)}: {error.reason}") from error
            self._cells[column] = cell
            for raw, parts in zip(cell.raws, cell.items, strict=True):
                places = enumerate(parts.places)
                if modality.by_column:
                    places = enumerate(parts.places, sum(u[0] is modality for u in self._units))
                self._units += [(modality, item, index, place) for index, place in places]
                if not modality.by_column:
                    text = parts.text
                    name, kind = modality.node_type, modality.kind
                    self.inputs.append(ItemInput(name, kind, item, text, raw, modality))
                    item += 1

    @property
    def task(self) -> Task:
        """What the function predicts."""
        return self._task

    @cached_property
    def unit_items(self) -> list[tuple[str, int]]:
        """Modality and item of each unit."""
        return [(modality.node_type, item) for modality, item, _, _ in self._units]

    @cached_property
    def logits(self) -> Float[Tensor, "outputs"]:
        """What the function says of the row as it came."""
        return self.subsets(torch.ones(1, self.units, dtype=torch.bool))[0]

    def scored(self, scores: Float[Tensor, "units"]) -> list[NodeScore]:
        """Return the units with their scores."""
        return [
            NodeScore(modality.node_type, modality.kind, item, index, place, score)
            for (modality, item, index, place), score in zip(
                self._units, scores.tolist(), strict=True
            )
        ]

    def subsets(self, kept: Bool[Tensor, "subsets units"]) -> Float[Tensor, "subsets outputs"]:
        """Return the logits with only some of the units; equal subsets are asked about once."""
        if not len(kept):
            return torch.zeros(0, self._task.outputs, dtype=torch.float64)
        asked, place = np.unique(kept.numpy(), axis=0, return_inverse=True)
        parts = np.array_split(asked, -(-len(asked) // _BATCH))
        logits = torch.cat([self._function(self._table(part)) for part in parts])
        return logits[torch.from_numpy(place.reshape(-1))]

    def _table(self, kept: Bool[np.ndarray, "subsets units"]) -> pd.DataFrame:
        """Return a table of the row with only some of its units, for each subset."""
        table = self._row.iloc[np.zeros(len(kept), int)].reset_index(drop=True)
        begin = 0
        for column, cell in self._cells.items():
            values = [cell.keep(each) for each in kept[:, begin : begin + cell.units]]
            begin += cell.units
            table[column] = _as_column(values, table[column])
        return table


class _Cell:
    """A cell of one item, or of several, whose parts can be taken away."""

    def __init__(
        self, row: pd.DataFrame, column: str, modality: Modality, folder: Path, absent: Any
    ) -> None:
        self._absent = absent
        [self.raws] = read_cells(row, [column], takes_lists=modality.takes_lists)
        self._value = row[column].iloc[0]
        # A vector, and a signal with its rate, are lists or tuples and one value.
        is_value = len(self.raws) == 1 and self.raws[0] is self._value
        self._is_list = isinstance(self._value, list | tuple | np.ndarray) and not is_value
        self.items: list[Parts] = [
            WholeValue(raw, f"{column} = {raw}")
            if modality.by_column
            else take_apart(modality, raw, folder)
            for raw in self.raws
        ]
        self.units = sum(len(parts.places) for parts in self.items)
        self._known: dict[bytes, Any] = {}

    def keep(self, kept: Bool[np.ndarray, "units"]) -> Any:
        """Return the cell with only some of its units."""
        if kept.all():
            return self._value
        key = kept.tobytes()
        if key not in self._known:
            self._known[key] = self._changed(kept)
        return self._known[key]

    def _changed(self, kept: Bool[np.ndarray, "units"]) -> Any:
        ends = np.cumsum([len(parts.places) for parts in self.items])[:-1]
        pieces = zip(self.items, np.split(kept, ends), strict=True)
        left = [value for parts, some in pieces if (value := parts.keep(some)) is not None]
        if isinstance(self._value, dict):  # a file, as Hugging Face writes it
            is_bytes = bool(left) and isinstance(left[0], bytes)
            given = left[0] if left else None
            return {"bytes": given if is_bytes else None, "path": None if is_bytes else given}
        return left if self._is_list else (left[0] if left else self._absent)


def _as_column(values: Sequence[Any], like: pd.Series) -> pd.Series:
    """Return values as a column, of the type that it had where it can be."""
    import pandas as pd

    held = np.empty(len(values), dtype=object)
    held[:] = [None] * len(values)
    for place, value in enumerate(values):
        held[place] = value
    # Truth values would become False where they are missing.
    if like.dtype == object or (like.dtype == bool and any(value is None for value in values)):
        return pd.Series(held, index=like.index, dtype=object)
    try:
        return pd.Series(held, index=like.index, dtype=object).astype(like.dtype)
    except (TypeError, ValueError):  # whole numbers have nothing missing
        return pd.Series(list(values), index=like.index)
