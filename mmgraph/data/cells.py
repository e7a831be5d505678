"""From the columns of a table to the raw values of each row's cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.errors import DataError, names, quote
from mmgraph.modalities.base import Modality
from mmgraph.tables.missing import is_missing

if TYPE_CHECKING:
    import pandas as pd

#: What to do where a column is not there that a model was fitted with.
_FITTED = (
    "the model was fitted with it; where no row has a value, add the column without any: "
    "frame.assign(**{COLUMN: None}), or a heading in the file"
)


def read_cells(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    takes_lists: bool = False,
    by_column: bool = False,
    remedy: str = "name one of these in the modality",
) -> list[list[Any]]:
    """Return the raw values of each row's cells, lists and columns flattened, nothing missing.

    Args:
        frame: The table.
        columns: The columns to read.
        takes_lists: A list of numbers, or of lists of numbers, is one value.
        by_column: Return (column, value) in place of each value.
        remedy: What to do where a column is not in the frame, which is called COLUMN there.

    Raises:
        DataError: A column is not in the frame.
    """
    unknown = [column for column in columns if column not in frame.columns]
    if unknown:
        raise DataError(
            f"expected the column {quote(unknown[0])}, got a table with the columns "
            f"{names(frame.columns)}; {remedy.replace('COLUMN', quote(unknown[0]))}"
        )
    cells: list[list[Any]] = [[] for _ in range(len(frame))]
    for column in columns:
        for row, value in enumerate(frame[column].tolist()):
            values = [value] if takes_lists and _is_vector(value) else _values(value)
            real = [raw for raw in values if not is_missing(raw)]
            cells[row].extend([(column, raw) for raw in real] if by_column else real)
    return cells


def modality_cells(
    modality: Modality, frame: pd.DataFrame, *, fitted: bool = False
) -> list[list[Any]]:
    """Return the raw values of a modality's columns, in the form it asks for.

    Args:
        modality: The modality.
        frame: The table.
        fitted: The columns were there in training, and can be chosen no more.

    Raises:
        DataError: A column is not in the frame.
    """
    options = {"remedy": _FITTED} if fitted else {}
    return read_cells(
        frame,
        modality.column_list,
        takes_lists=modality.takes_lists,
        by_column=modality.by_column,
        **options,
    )


def _values(value: Any) -> Sequence[Any]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], np.ndarray):
        # A signal with its rate is one value, and two arrays are two.
        return [value] if isinstance(value[1], int | float | np.number) else value
    if isinstance(value, list | tuple):
        return [each for one in value for each in (_values(one) if _is_file(one) else [one])]
    if _is_file(value):
        # Images and sounds, as Hugging Face writes them into Parquet files.
        return [value["path"] if value["bytes"] is None else value["bytes"]]
    # Lists come out of Parquet files as arrays of objects.
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUT":
        return _values(value.ravel().tolist())
    return [value]


def _is_file(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {"bytes", "path"}


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
