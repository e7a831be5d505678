"""Tables: frames, data sets and files, whole or in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mmgraph.errors import DataError, names, quote
from mmgraph.tables.arrow import ArrowTable, is_hugging_face, is_saved
from mmgraph.tables.base import DiskTable
from mmgraph.tables.forms import as_frame
from mmgraph.tables.parquet import ParquetTable
from mmgraph.tables.stream import RowStream, is_stream
from mmgraph.tables.text_files import (
    LOOK_ROWS,
    read_file,
)
from mmgraph.tables.values import read_values

if TYPE_CHECKING:
    import pandas as pd


#: Parquet files and data sets with more stay on disk, and are read as rows are needed.
IN_MEMORY_ROWS, IN_MEMORY_BYTES = 100_000, 2**30

Table: TypeAlias = "pd.DataFrame | DiskTable"


def open_table(data: Any) -> Table:
    """Return what `read_frame` does, or a table on disk where it is too large for that.

    That is a Parquet file, a folder of them, or a Hugging Face dataset, of more than 100,000 rows
    or of more than a gigabyte before compression, and any `ParquetTable` or `ArrowTable`.

    Raises:
        DataError: As `read_frame`.
        MissingPackageError: As `read_frame`.
    """
    if not isinstance(data, DiskTable):
        table = disk_table(data)
        if table is None or (len(table) <= IN_MEMORY_ROWS and table.nbytes <= IN_MEMORY_BYTES):
            return read_frame(data)
        data = table
    return data if len(data) else read_frame(data)


def open_rows(data: Any) -> Table | RowStream:
    """Return what `open_table` does, or a stream as one, where one pass in order is enough.

    Raises:
        DataError: As `read_frame`.
        MissingPackageError: As `read_frame`.
    """
    return RowStream(data) if is_stream(data) else open_table(data)


def disk_table(data: Any) -> DiskTable | None:
    """Return a dataset, a file or a folder as a table on disk; None where it is no such thing."""
    if is_hugging_face(data):
        return ArrowTable(data)
    if not isinstance(data, str | Path):
        return None
    path = Path(data)
    if path.is_dir():
        return ArrowTable(path) if is_saved(path) else ParquetTable(path)
    return ParquetTable(path) if path.suffix.lower() == ".parquet" and path.is_file() else None


def parts(frame: Table | RowStream, size: int) -> Iterator[tuple[int, pd.DataFrame]]:
    """Return all rows in order, some at a time, with the place of the first of them."""
    if isinstance(frame, DiskTable | RowStream):
        yield from ((int(part.index[0]), part) for part in frame.parts(size))
        return
    for start in range(0, len(frame), size):
        yield start, frame.iloc[start : start + size]


def take_columns(frame: Table, values: Any, what: str) -> tuple[Any, Any]:
    """Return values in a form that NumPy reads; for names of columns, these, and the others.

    Raises:
        DataError: There is no such column, or not one value for each row.
    """
    if values is None and what == "groups":
        return frame, None
    if is_name(values):
        if values not in frame.columns:
            raise DataError(
                f"{what}={quote(values)}: there is no such column; the table has "
                f"{names(frame.columns)}"
            )
        return frame.drop(columns=values), frame[values]
    # Labels can be strings too, but there is one for every row.
    listed = isinstance(values, list | tuple | np.ndarray) or hasattr(values, "nlevels")
    if listed and getattr(values, "ndim", 1) == 1 and 0 < len(values) != len(frame):
        wanted = [value for value in values if is_name(value) and value in frame.columns]
        if len(wanted) == len(values):
            return frame.drop(columns=wanted), frame[wanted]
    values = read_values(values, what)
    sized = hasattr(values, "__len__") and getattr(values, "ndim", 1) > 0
    if not sized or len(values) != len(frame):
        got = len(values) if sized else quote(values)
        raise DataError(f"{what}: expected one value for each of {len(frame)} rows, got {got}")
    return frame, values


def is_name(value: Any) -> bool:
    """Say whether this names one column: a string or a number."""
    return isinstance(value, str | int | np.integer) and not isinstance(value, bool)


def read_frame(data: Any) -> pd.DataFrame:
    """Return a DataFrame from a frame, a Hugging Face dataset, or a table's path.

    Args:
        data: A pandas or polars DataFrame, an Arrow table, a `datasets.Dataset`, a mapping of
            columns, one row as a mapping or a Series, a list of such mappings, the path of a
            CSV, TSV, JSON Lines or Parquet file, of a folder of Parquet files or of one that
            `save_to_disk` of a dataset wrote, or a `ParquetTable` or `ArrowTable`.

    Raises:
        DataError: The input is none of these, its file is missing, or it has no rows.
        MissingPackageError: The file needs pyarrow, or the folder needs datasets.
    """
    import pandas as pd

    if is_hugging_face(data) or (isinstance(data, str | Path) and Path(data).is_dir()):
        data = disk_table(data)
    if isinstance(data, DiskTable):
        frame = data.frame()
    elif is_stream(data):
        frame = pd.concat(RowStream(data).parts(LOOK_ROWS))
    elif isinstance(data, str | Path):
        frame = read_file(Path(data))
    elif isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Mapping) and any(map(is_hugging_face, data.values())):
        raise DataError(
            f"expected one Hugging Face dataset, got splits {names(data)}; pass one of them"
        )
    elif (known := as_frame(data)) is not None:
        frame = known
    elif hasattr(data, "to_pandas") and hasattr(data, "column_names"):
        # What is like a Hugging Face dataset may decode its cells only where they are asked for.
        frame = pd.DataFrame({name: list(data[name]) for name in data.column_names})
    else:
        raise DataError(
            "expected a DataFrame, a Hugging Face dataset, or the path of a .csv, .tsv, .jsonl or "
            f".parquet file, got {type(data).__name__}; make one, with the names that the model's "
            "columns have: pandas.DataFrame({'text': texts})"
        )
    if len(frame) == 0:
        raise DataError("expected at least one row, got an empty table")
    repeated = frame.columns[frame.columns.duplicated()].unique().tolist()
    if repeated:
        raise DataError(f"expected every column once, got {names(repeated)} repeated; rename them")
    return frame
