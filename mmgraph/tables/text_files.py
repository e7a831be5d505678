"""Tables in CSV, TSV and JSON Lines files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.errors import DataError, reason
from mmgraph.tables.parquet import parquet_reader

if TYPE_CHECKING:
    import pandas as pd


#: What files of tables end in.
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


#: What stands between cells, in files that say nothing of types.
_SEPARATORS = {".csv": ",", ".tsv": "\t"}


#: Rows of a first look at a file's types.
LOOK_ROWS = 20_000


def read_file(path: Path) -> pd.DataFrame:
    """Return the rows of a file.

    Raises:
        DataError: The file is of an unknown kind, missing or damaged.
        MissingPackageError: It is a Parquet file and pyarrow is not installed.
    """
    import pandas as pd

    kind = check_file(path)
    if kind == ".parquet":
        with parquet_reader(path):
            return pd.read_parquet(path)
    with reading(path):
        if kind == ".jsonl":
            # JSON says itself what is text; pandas would make numbers and dates of some of it.
            return pd.read_json(path, lines=True, dtype=False)
        return pd.read_csv(path, **read_options(path))


def check_file(path: Path) -> str:
    """Return how the name of a table's file ends."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{path}: expected a table ending in {', '.join(SUFFIXES)}; convert it")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; correct the path")
    return kind


def read_options(path: Path) -> dict[str, Any]:
    """Return how pandas reads a file of this name."""
    # By default pandas reads in parts, and a column can come out as numbers and text.
    return {"sep": _SEPARATORS[path.suffix.lower()], "low_memory": False}


def column_kind(column: pd.Series[Any]) -> str:
    """Return the type of a column's cells, as `joint_kind` joins them."""
    if column.isna().all():
        return "empty"
    known = column.dropna()
    if known.map(lambda value: isinstance(value, bool)).all():
        return "boolean"
    return {"i": "int64", "f": "float64"}.get(column.dtype.kind, "str")


def joint_kind(kinds: set[str]) -> str:
    """Return the type of a column whose parts have these types.

    Example:
        >>> joint_kind({"int64"}), joint_kind({"int64", "empty"}), joint_kind({"int64", "str"})
        ('int64', 'float64', 'str')
    """
    known = kinds - {"empty"}
    if kinds == {"int64"}:
        return "int64"
    if known <= {"int64", "float64"}:
        return "float64"
    return "boolean" if known == {"boolean"} else "str"


@contextmanager
def reading(path: Path) -> Iterator[None]:
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
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {reason(error)}") from error
