"""Predictions as tables: their columns, and files that grow part by part."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mmgraph.errors import DataError, MissingPackageError, names, quote
from mmgraph.tables.spreadsheets import as_text

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.fitted import FittedModel


def prediction_columns(
    fitted: FittedModel,
    rows: pd.DataFrame,
    outputs: Float[np.ndarray, "rows outputs"],
    *,
    identity: str | None,
) -> pd.DataFrame:
    """Return what is written of some rows: which they are, the prediction, probabilities.

    Args:
        fitted: The model.
        rows: The rows that were predicted, with their place in the whole table as index.
        outputs: Probabilities of classes or labels, or values.
        identity: Column that names a row; None: its place, from 0, as "row".

    Returns:
        The identity; "prediction" (a list for labels; "prediction_<name>" for several numbers);
        "probability_<class>" for classes and labels.

    Raises:
        DataError: The rows lack the column that names them, or it is named like a prediction.
    """
    import pandas as pd

    decided = fitted.decide(outputs)
    classes = fitted.outputs.classes
    if classes is None and decided.ndim == 2:
        names = fitted.facts.get("label") or range(decided.shape[1])
        found = {f"prediction_{name}": x for name, x in zip(names, decided.T, strict=True)}
    elif classes is None:
        found = {"prediction": decided}
    else:
        labels = [classes[row > 0].tolist() for row in decided] if decided.ndim == 2 else decided
        names = [f"probability_{name}" for name in fitted.output_names]
        found = {"prediction": labels, **dict(zip(names, outputs.T, strict=True))}
    named = _identity(rows, identity)
    if named.keys() & found.keys():
        raise DataError(f"--id {identity}: a column of predictions has that name; rename it")
    return pd.DataFrame(named | found)


def _identity(rows: pd.DataFrame, identity: str | None) -> dict[str, Any]:
    if identity is None:
        return {"row": rows.index.to_numpy()}
    if identity not in rows.columns:
        raise DataError(
            f"expected the column {quote(identity)} to name the rows, got "
            f"{names(rows.columns)}; name one of these with --id"
        )
    return {identity: rows[identity].to_numpy()}


class TableWriter(AbstractContextManager["TableWriter"], ABC):
    """Writes a table that comes in parts; a context manager, which closes the file."""

    @abstractmethod
    def write(self, part: pd.DataFrame) -> None:
        """Append rows; all parts have the same columns."""


class TextWriter(TableWriter):
    """CSV, TSV or JSON Lines, by the ending of the file's name.

    Spreadsheets take cells of CSV and TSV that begin with "=", "+", "-" or "@" for formulas. Texts
    of labels and rows that do get an apostrophe before them, unless they are numbers.

    Args:
        path: The file.
        separator: What stands between labels in one cell of CSV and TSV.
    """

    def __init__(self, path: Path, separator: str) -> None:
        self.kind = path.suffix.lower()
        self.separator = separator
        self._file: IO[str] = path.open(
            "w", encoding="utf-8", errors="backslashreplace", newline=""
        )
        self._begun = False

    def write(self, part: pd.DataFrame) -> None:
        """Append rows."""
        if self.kind == ".jsonl":
            part.to_json(
                self._file, orient="records", lines=True, force_ascii=False, double_precision=15
            )
            return
        part = part.map(self._joined).map(as_text)
        part.columns = [as_text(str(name)) for name in part.columns]
        cells = "," if self.kind == ".csv" else "\t"
        part.to_csv(self._file, sep=cells, index=False, header=not self._begun)
        self._begun = True

    def _joined(self, value: Any) -> Any:
        return self.separator.join(map(str, value)) if isinstance(value, list) else value

    def __exit__(self, *_: object) -> None:
        self._file.close()


class ParquetWriter(TableWriter):
    """Parquet, by pyarrow.

    Args:
        path: The file.

    Raises:
        MissingPackageError: pyarrow is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise MissingPackageError(
                f'{path}: Parquet files need pyarrow: pip install "mmgraph[parquet]"'
            ) from error
        self._arrow, self._path = pyarrow, path
        self._writer: Any = None

    def write(self, part: pd.DataFrame) -> None:
        """Append rows."""
        schema = None if self._writer is None else self._writer.schema
        rows = self._arrow.Table.from_pandas(part, schema=schema, preserve_index=False)
        if self._writer is None:
            self._writer = self._arrow.parquet.ParquetWriter(self._path, rows.schema)
        self._writer.write_table(rows)

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()


def open_writer(path: Path, *, separator: str) -> TableWriter:
    """Return a writer for the kind of file that a path names."""
    if path.suffix.lower() == ".parquet":
        return ParquetWriter(path)
    return TextWriter(path, separator)
