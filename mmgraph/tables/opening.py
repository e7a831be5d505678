"""Tables: frames, data sets and files, whole or in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from mmgraph.errors import DataError
from mmgraph.tables.arrow import ArrowTable, is_hugging_face, is_saved
from mmgraph.tables.base import DiskTable
from mmgraph.tables.parquet import ParquetTable, parquet_reader
from mmgraph.tables.stream import RowStream, is_stream

if TYPE_CHECKING:
    import pandas as pd

#: What files of tables end in.
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

#: What stands between cells, in files that say nothing of types.
_SEPARATORS = {".csv": ",", ".tsv": "\t"}

#: Rows of a first look at a file's types.
_LOOK = 20_000


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
    """Return values as given; for names of columns, these and the frame without them."""
    if values is None and what == "groups":
        return frame, None
    if isinstance(values, str):
        if values not in frame.columns:
            raise DataError(
                f"{what}={values!r}: there is no such column; the table has "
                f"{[str(column) for column in frame.columns]}"
            )
        return frame.drop(columns=values), frame[values]
    # Labels can be strings too, but there is one for every row.
    if isinstance(values, list) and 0 < len(values) != len(frame):
        wanted = [value for value in values if value in frame.columns]
        if wanted == values:
            return frame.drop(columns=values), frame[values]
    if values is None or not hasattr(values, "__len__") or len(values) != len(frame):
        got = len(values) if hasattr(values, "__len__") else values
        raise DataError(f"{what}: expected one value for each of {len(frame)} rows, got {got}")
    return frame, values


def read_frame(data: Any) -> pd.DataFrame:
    """Return a DataFrame from a frame, a Hugging Face dataset, or a table's path.

    Args:
        data: A pandas DataFrame, a `datasets.Dataset`, a mapping of columns, the path of a
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
        frame = pd.concat(RowStream(data).parts(_LOOK))
    elif isinstance(data, str | Path):
        frame = _read_file(Path(data))
    elif isinstance(data, pd.DataFrame):
        frame = data
    elif hasattr(data, "to_pandas") and hasattr(data, "column_names"):
        # What is like a Hugging Face dataset may decode its cells only where they are asked for.
        frame = pd.DataFrame({name: list(data[name]) for name in data.column_names})
    elif isinstance(data, Mapping) and any(map(is_hugging_face, data.values())):
        raise DataError(
            f"expected one Hugging Face dataset, got splits {list(data)}; pass one of them"
        )
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
    """Return the rows of a file.

    Raises:
        DataError: The file is of an unknown kind, missing or damaged.
        MissingPackageError: It is a Parquet file and pyarrow is not installed.
    """
    import pandas as pd

    kind = _check_file(path)
    if kind == ".parquet":
        with parquet_reader(path):
            return pd.read_parquet(path)
    with _reading(path):
        if kind == ".jsonl":
            # JSON says itself what is text; pandas would make numbers and dates of some of it.
            return pd.read_json(path, lines=True, dtype=False)
        return pd.read_csv(path, **_options(path))


class TableFile:
    """A table on disk that is read a part at a time, so that it may be larger than memory.

    Args:
        path: A CSV, TSV, JSON Lines or Parquet file, a folder of Parquet files, or one that
            `save_to_disk` of a Hugging Face dataset wrote.

    Raises:
        DataError: The file is of another kind, or missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = "" if path.is_dir() else _check_file(path)
        self._disk = disk_table(path)

    def read(self) -> pd.DataFrame:
        """Return all rows.

        Raises:
            DataError: The file is damaged or empty.
            MissingPackageError: As `read_frame`.
        """
        return read_frame(self.path)

    def count_rows(self) -> int:
        """Return the number of rows, without keeping them.

        Raises:
            DataError: As `read`.
        """
        if self._disk is not None:
            return len(self._disk)
        with _reading(self.path):
            if self.kind == ".jsonl":
                with self.path.open("rb") as file:
                    return sum(bool(line.strip()) for line in file)
            return self._look[0]

    def parts(self, size: int) -> Iterator[pd.DataFrame]:
        """Return the rows in order, a part at a time, with their places as index.

        The cells are those that `read` gives; in JSON Lines and Parquet files, whole numbers that
        stand in a column with missing values may stay whole.

        Args:
            size: Most rows of a part.

        Raises:
            DataError: As `read`.
            MissingPackageError: As `read`.
        """
        start = 0
        with _reading(self.path):
            for part in self._parts(size):
                yield part.set_axis(range(start, start + len(part)))
                start += len(part)
        if not start:
            raise DataError(f"{self.path}: expected at least one row, got an empty table")

    def _parts(self, size: int) -> Iterator[pd.DataFrame]:
        import pandas as pd

        if self._disk is not None:
            yield from self._disk.parts(size)
        elif self.kind == ".jsonl":
            with pd.read_json(self.path, lines=True, dtype=False, chunksize=size) as parts:
                yield from parts
        else:
            options = _options(self.path) | {"dtype": self._look[1]}
            with pd.read_csv(self.path, chunksize=size, **options) as parts:
                yield from parts

    @cached_property
    def _look(self) -> tuple[int, dict[str, str]]:
        """A first look at a CSV or TSV file: number of rows, and the type of each whole column.

        A part of a column may hold whole numbers only, and another one words.
        """
        import pandas as pd

        count, kinds = 0, dict[str, set[str]]()
        with pd.read_csv(self.path, chunksize=_LOOK, **_options(self.path)) as parts:
            for part in parts:
                count += len(part)
                for name in part.columns:
                    kinds.setdefault(name, set()).add(_kind(part[name]))
        return count, {name: _joint(found) for name, found in kinds.items()}


def _check_file(path: Path) -> str:
    """Return how the name of a table's file ends."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{path}: expected a table ending in {', '.join(SUFFIXES)}; convert it")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; correct the path")
    return kind


def _options(path: Path) -> dict[str, Any]:
    # By default pandas reads in parts, and a column can come out as numbers and text.
    return {"sep": _SEPARATORS[path.suffix.lower()], "low_memory": False}


def _kind(column: pd.Series[Any]) -> str:
    if column.isna().all():
        return "empty"
    known = column.dropna()
    if known.map(lambda value: isinstance(value, bool)).all():
        return "boolean"
    return {"i": "int64", "f": "float64"}.get(column.dtype.kind, "str")


def _joint(kinds: set[str]) -> str:
    """Return the type of a column whose parts have these types.

    Example:
        >>> _joint({"int64"}), _joint({"int64", "empty"}), _joint({"int64", "str"})
        ('int64', 'float64', 'str')
    """
    known = kinds - {"empty"}
    if kinds == {"int64"}:
        return "int64"
    if known <= {"int64", "float64"}:
        return "float64"
    return "boolean" if known == {"boolean"} else "str"


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Within the block, what goes wrong in reading a table becomes one clear error.

    Raises:
        DataError: The file is empty or damaged.
    """
    import pandas as pd

    try:
        yield
    except DataError:
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: expected at least one row, got an empty file") from None
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {error}") from error
