"""What a table says is to be predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mmgraph.cli.sources import Source
from mmgraph.data.targets import is_multilabel
from mmgraph.errors import DataError, names, quote
from mmgraph.kinds import TaskKind
from mmgraph.tables.missing import is_missing

if TYPE_CHECKING:
    import pandas as pd


def label_columns(given: Sequence[str] | None, source: Source, known: Any = None) -> list[str]:
    """Return the names of the columns to predict.

    Args:
        given: What the user named.
        source: The rows; data sets know their label.
        known: What a model was fitted on.

    Raises:
        DataError: Nobody says.
    """
    if given:
        return list(given)
    if source.dataset is not None:
        return [source.dataset.label]
    if known:
        return [known] if isinstance(known, str) else list(known)
    raise DataError("expected the column to predict; name it with --label COLUMN")


def take_truth(
    frame: pd.DataFrame, columns: Sequence[str], *, separator: str | None
) -> tuple[pd.DataFrame, Any]:
    """Return the table without the columns to predict, and these: one, or a table of several.

    Args:
        frame: The rows.
        columns: Names of the columns.
        separator: What stands between labels in one cell; None: cells are as they are.

    Raises:
        DataError: The table lacks a column.
    """
    for column in columns:
        if column not in frame.columns:
            raise DataError(
                f"expected the column {quote(column)} to predict, got a table with the columns "
                f"{names(frame.columns)}; name one with --label"
            )
    truth: Any = frame[columns[0]] if len(columns) == 1 else frame[list(columns)]
    if separator is not None and len(columns) == 1:
        truth = truth.map(lambda cell: _split(cell, separator)).astype(object)
    return frame.drop(columns=list(columns)), truth


def find_task(truth: Any) -> TaskKind:
    """Return the task that targets look like: lists of labels, fractions, or else classes.

    Example:
        >>> import pandas as pd
        >>> find_task(pd.Series([1.5, 2.0])), find_task(pd.Series(["a", "b"]))
        ('regression', 'multiclass')
    """
    if truth.ndim == 2:
        return "regression"
    if is_multilabel(truth):
        return "multilabel"
    known = truth.dropna()
    fractions = known.dtype.kind == "f" and bool((known % 1 != 0).any())
    return "regression" if fractions else "multiclass"


def _split(cell: Any, separator: str) -> Any:
    if not isinstance(cell, str):
        return [] if is_missing(cell) else cell
    return [part.strip() for part in cell.split(separator) if part.strip()]
