"""Where a model is worse: the first metric on parts of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from mmgraph.comparison.tables import LOWER_IS_BETTER
from mmgraph.data.cells import modality_cells
from mmgraph.errors import DataError, names, quote
from mmgraph.modalities.base import Modality
from mmgraph.modalities.text import Text
from mmgraph.modalities.tokens.stop_words import WORD
from mmgraph.reports.predicted import Predicted
from mmgraph.tables.missing import is_missing

if TYPE_CHECKING:
    import pandas as pd

#: Fewer rows are no slice, and a column of more values is none.
_FEWEST, _MOST_VALUES = 10, 12

#: A name, a value, and the rows.
Slice = tuple[str, str, Bool[np.ndarray, "rows"]]


def slice_table(
    rows: Predicted,
    modalities: Sequence[Modality],
    columns: Sequence[str] | None,
    metric: str,
    *,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """Return a row for each slice, the worst first: slice, value, rows, score, low, high, differs.

    `differs` says "worse" or "better" where the score of all rows lies outside the interval.

    Args:
        rows: What was predicted.
        modalities: Modalities of the model; their absence and the length of texts make slices.
        columns: Columns that make slices; None: those with few values.
        metric: Name of the metric.
        draws: Draws of the bootstrap.
        seed: Its seed.

    Raises:
        DataError: There is no such column.
    """
    import pandas as pd

    whole = rows.score([metric])[metric]
    found = []
    sign = -1 if metric in LOWER_IS_BETTER else 1
    for name, value, chosen in _slices(rows, modalities, columns):
        if not _FEWEST <= chosen.sum() < len(rows):
            continue
        part = rows[chosen]
        try:
            score = part.score([metric])[metric]
        except DataError:  # of one class alone, for example
            continue
        [(low, high)] = part.intervals([metric], draws=draws, seed=seed)
        differs = ""
        if not low <= whole <= high:
            differs = "worse" if sign * score < sign * whole else "better"
        found.append((name, value, int(chosen.sum()), score, low, high, differs))
    heads = ["slice", "value", "rows", metric, "low", "high", "differs"]
    table = pd.DataFrame(found, columns=heads)
    return table.sort_values(metric, ascending=sign > 0, kind="stable", ignore_index=True)


def _slices(
    rows: Predicted, modalities: Sequence[Modality], columns: Sequence[str] | None
) -> Iterator[Slice]:
    frame = rows.frame
    for modality in modalities:
        cells = modality_cells(modality, frame)
        has = np.array([bool(cell) for cell in cells])
        yield modality.node_type, "missing", ~has
        if isinstance(modality, Text):
            words = [sum(len(WORD.findall(str(raw))) for raw in cell) for cell in cells]
            yield from _ranges(f"{modality.node_type}, words", np.array(words, float), has)
    read = {column for each in modalities if not each.by_column for column in each.column_list}
    if columns is None:
        columns = [column for column in frame.columns if column not in read]
        columns = [column for column in columns if _is_sliceable(frame[column])]
    for column in columns:
        if column not in frame.columns:
            raise DataError(
                f"slices: expected the column {quote(column)}, got a table with the columns "
                f"{names(frame.columns)}"
            )
        yield from _of_column(column, frame[column])


def _is_sliceable(column: pd.Series) -> bool:
    """Say whether a column has few values, or is of numbers that have many."""
    values = [value for value in column.tolist() if not is_missing(value)]
    if not values or not all(isinstance(value, str | int | float | np.number) for value in values):
        return False
    different = len(set(values))
    return different > 1 and (different <= _MOST_VALUES or column.dtype.kind == "f")


def _of_column(name: str, column: pd.Series) -> Iterator[Slice]:
    gone = np.array([is_missing(value) for value in column.tolist()])
    yield name, "missing", gone
    if column.dtype.kind in "if" and column.nunique() > _MOST_VALUES:
        yield from _ranges(name, column.to_numpy(dtype=float), ~gone)
        return
    texts = column.map(str).to_numpy()
    for value in sorted(set(texts[~gone])):
        yield name, value, (texts == value) & ~gone


def _ranges(name: str, numbers: np.ndarray, there: Bool[np.ndarray, "rows"]) -> Iterator[Slice]:
    """Yield thirds of numbers, from the smallest to the largest."""
    if not there.any():
        return
    low, high = np.quantile(numbers[there], [1 / 3, 2 / 3])
    if low == numbers[there].min() == high or low == high:
        yield name, f"up to {low:g}", there & (numbers <= low)
        yield name, f"over {low:g}", there & (numbers > low)
        return
    yield name, f"up to {low:g}", there & (numbers <= low)
    yield name, f"over {low:g}, up to {high:g}", there & (numbers > low) & (numbers <= high)
    yield name, f"over {high:g}", there & (numbers > high)
