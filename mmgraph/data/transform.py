"""From tables to batches: the torch dataset and collation."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool

from mmgraph.data.cells import modality_cells
from mmgraph.data.whole_table import bind_table
from mmgraph.errors import CellError, DataError, names
from mmgraph.modalities.base import Modality, first_reading
from mmgraph.system.choices import check_choices
from mmgraph.tables.base import DiskTable
from mmgraph.tables.names import row_name
from mmgraph.tables.opening import Table, parts
from mmgraph.tables.stream import RowStream
from mmgraph.typing import Item

if TYPE_CHECKING:
    import pandas as pd

#: Of fewer rows nothing is said about what all of them lack.
LEAST_ROWS = 10

#: Rows that are decoded and held in memory at once while predicting.
_ROWS_AT_ONCE = 1024


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
    columns = names(modality.column_list, 3)[1:-1]
    where = [] if modality.by_column else [f"column {columns}"]
    if error.row is not None:
        label = row_name(frame.index, error.row)
        position = None if start is None else start + error.row
        at = "" if position is None or label == repr(position) else f" (position {position})"
        where.insert(0, f"row {label}{at}")
    return DataError(f"{', '.join(where) or columns}: {error.reason}")


def declared_kinds(frame: pd.DataFrame) -> dict[Any, str]:
    """Return what a table says itself of its columns, as `Modality.declared` takes it."""
    return {
        name: "category"
        for name, dtype in frame.dtypes.items()
        if getattr(dtype, "name", None) == "category"
    }


def fit_modality(
    modality: Modality, frame: pd.DataFrame, *, seed: int, kinds: Mapping[Any, str] | None = None
) -> Modality:
    """Return a copy of a modality, fitted on its columns.

    Args:
        modality: The description.
        frame: The training rows.
        seed: Seed of the fit.
        kinds: What the whole table says of its columns; None: what `frame` says.

    Raises:
        DataError: A cell cannot be read.
        ValueError: An argument of the modality is none of its choices.
    """
    declared, cells = _declare(modality, frame, kinds)
    try:
        with first_reading():
            return declared.fit(cells, seed=seed)
    except CellError as error:
        raise row_error(frame, modality, error) from error


def fit_transform(
    modalities: Sequence[Modality], frame: pd.DataFrame, *, seed: int
) -> tuple[list[Modality], dict[str, list[list[Item]]]]:
    """Return fitted copies of modalities as `fit_modality`, and all items as `transform`."""
    fitted, items = [], {}
    for modality in modalities:
        declared, cells = _declare(modality, frame, None)
        try:
            one, items[modality.node_type] = declared.fit_transform(cells, seed=seed)
        except CellError as error:
            raise row_error(frame, modality, error) from error
        fitted.append(one)
    return fitted, items


def _declare(
    modality: Modality, frame: pd.DataFrame, kinds: Mapping[Any, str] | None
) -> tuple[Modality, list[list[Any]]]:
    """Return the modality as the table declares it, and its cells."""
    check_choices(modality)
    cells = modality_cells(modality, frame)
    kinds = declared_kinds(frame) if kinds is None else kinds
    if not any(cells) and len(cells) >= LEAST_ROWS and not modality.by_column:
        warnings.warn(
            f"{modality.node_type}: no training row has a value in the column "
            f"{names(modality.column_list, 3)[1:-1]}, so nothing can be learnt of it",
            stacklevel=3,
        )
    wanted = {name: kind for name, kind in kinds.items() if name in modality.column_list}
    return modality.declared(wanted), cells


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
        cells = modality_cells(modality, frame, fitted=True)
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
    modalities, table = bind_table(modalities, table)
    if isinstance(table, DiskTable):
        wanted = {column for each in modalities for column in each.column_list}
        table = table.select([column for column in table.columns if column in wanted])
    for first, part in parts(table, _ROWS_AT_ONCE):
        yield transform(modalities, part, start=None if start is None else start + first)


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
