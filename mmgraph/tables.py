"""Tables: frames, data sets and files, whole or in parts that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.errors import DataError, MissingPackageError

if TYPE_CHECKING:
    import pandas as pd

#: What files of tables end in.
SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")

#: What stands between cells, in files that say nothing of types.
_SEPARATORS = {".csv": ",", ".tsv": "\t"}

#: Rows of a first look at a file's types.
_LOOK = 20_000


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
        frame = read_file(Path(data))
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


def read_file(path: Path, texts: Sequence[str] = ()) -> pd.DataFrame:
    """Return the rows of a file.

    Args:
        path: A CSV, TSV, JSON Lines or Parquet file.
        texts: Columns of a CSV or TSV file that stay as they are written: "007", "1.50".

    Raises:
        DataError: The file is of another kind, missing or damaged.
        MissingPackageError: It is a Parquet file and pyarrow is not installed.
    """
    import pandas as pd

    kind = _check_file(path)
    with reading(path):
        if kind == ".jsonl":
            # JSON says itself what is text; pandas would make numbers and dates of some of it.
            return pd.read_json(path, lines=True, dtype=False)
        if kind == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=dict.fromkeys(texts, "str"), **_csv_options(path))


def read_parts(path: Path, size: int, texts: Sequence[str] = ()) -> Iterator[pd.DataFrame]:
    """Return the rows of a file in order, a part at a time; together they are `read_file`'s.

    Args:
        path: A CSV, TSV, JSON Lines or Parquet file.
        size: Most rows of a part.
        texts: As in `read_file`.

    Raises:
        DataError: The file is of another kind, missing, damaged or empty.
        MissingPackageError: It is a Parquet file and pyarrow is not installed.
    """
    kind = _check_file(path)
    start = 0
    with reading(path):
        if kind == ".jsonl":
            parts = _json_parts(path, size)
        elif kind == ".parquet":
            parts = _parquet_parts(path, size)
        else:
            parts = _csv_parts(path, size, texts)
        for part in parts:
            yield part.set_axis(range(start, start + len(part)))
            start += len(part)
    if not start:
        raise DataError(f"{path}: expected at least one row, got an empty table")


def _check_file(path: Path) -> str:
    """Return how the name of a table's file ends."""
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{path}: expected a table ending in {', '.join(SUFFIXES)}; convert it")
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; correct the path")
    return kind


def _csv_options(path: Path) -> dict[str, Any]:
    # By default pandas reads in parts, and a column can come out as numbers and text.
    return {"sep": _SEPARATORS[path.suffix.lower()], "low_memory": False}


def _csv_parts(path: Path, size: int, texts: Sequence[str]) -> Iterator[pd.DataFrame]:
    import pandas as pd

    types = _column_types(path) | dict.fromkeys(texts, "str")
    with pd.read_csv(path, chunksize=size, dtype=types, **_csv_options(path)) as parts:
        yield from parts


def _json_parts(path: Path, size: int) -> Iterator[pd.DataFrame]:
    import pandas as pd

    with pd.read_json(path, lines=True, dtype=False, chunksize=size) as parts:
        yield from parts


def _parquet_parts(path: Path, size: int) -> Iterator[pd.DataFrame]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=size):
            yield batch.to_pandas()


def _column_types(path: Path) -> dict[str, str]:
    """Return the type each column has as a whole: a first look at all rows, which keeps none.

    A part of a column may hold whole numbers only, and another one words.
    """
    import pandas as pd

    kinds: dict[str, set[str]] = {}
    with pd.read_csv(path, chunksize=_LOOK, **_csv_options(path)) as parts:
        for part in parts:
            for name in part.columns:
                kinds.setdefault(name, set()).add(_kind(part[name]))
    return {name: _joint(found) for name, found in kinds.items()}


def _kind(column: pd.Series[Any]) -> str:
    from pandas.api import types

    if column.isna().all():
        return "empty"
    inferred = types.infer_dtype(column, skipna=True)
    return {"integer": "int64", "floating": "float64", "boolean": "boolean"}.get(inferred, "str")


def _joint(kinds: set[str]) -> str:
    """Return the type of a column whose parts have these types.

    Example:
        >>> _joint({"int64"}), _joint({"int64", "empty"}), _joint({"int64", "str"})
        ('int64', 'float64', 'str')
    """
    known = kinds - {"empty"}
    if known == {"int64"} and kinds != known:
        return "float64"
    if len(known) == 1:
        return known.pop()
    return "float64" if known and known <= {"int64", "float64"} else "str"


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Within the block, what goes wrong in reading a table becomes one clear error.

    Raises:
        DataError: The file is empty or damaged.
        MissingPackageError: It is a Parquet file and pyarrow is not installed.
    """
    import pandas as pd

    try:
        yield
    except (DataError, MissingPackageError):
        raise
    except pd.errors.EmptyDataError:
        raise DataError(f"{path}: expected at least one row, got an empty file") from None
    except ImportError as error:
        raise MissingPackageError(f"{path}: Parquet files need pip install pyarrow") from error
    except ValueError as error:
        raise DataError(f"{path}: cannot be read as {path.suffix[1:]}: {error}") from error
