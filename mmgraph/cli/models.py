"""Saved models: loaded for a table, and run on it part by part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mmgraph.cli.report import Report
from mmgraph.cli.sources import Source
from mmgraph.cli.splits import Selection
from mmgraph.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.fitted import FittedModel

#: Rows in memory at once. With the default encoders a row with an image takes 128 kB, and the texts
#: of all these rows go through the transformer together.
_ROWS_AT_ONCE = 64

#: Most rows of a batch: on its way through the model, a batch takes more than the rows waiting.
_MOST_IN_BATCH = 32


def load_model(path: Path, unreadable: str | None = None) -> Any:
    """Return a saved estimator.

    Args:
        path: The folder or file.
        unreadable: What to do with broken values; None: as in training.

    Raises:
        DataError: There is no model, or a damaged one.
    """
    from mmgraph.estimator import load

    estimator = load(path)
    if unreadable is not None:
        for each in estimator.modalities_:
            each.unreadable = unreadable
    return estimator


def predicted(
    fitted: FittedModel, source: Source, selection: Selection, report: Report
) -> Iterator[tuple[pd.DataFrame, Float[np.ndarray, "rows outputs"]]]:
    """Return all chosen rows in order, a part at a time, each with probabilities or values.

    Raises:
        DataError: The table or a cell cannot be read, or no row is chosen.
    """
    import pandas as pd

    from mmgraph.data.whole_table import WholeTable

    fitted = replace(fitted, batch_size=min(fitted.batch_size, _MOST_IN_BATCH))
    if any(isinstance(each, WholeTable) for each in fitted.modalities):
        # Rows see each other, wherever in the table they stand.
        rows = pd.concat([selection.take(part) for part in source.parts(_ROWS_AT_ONCE)])
        selection.check()
        yield rows, fitted.predict(rows, start=None)
        return
    with report.progress("predicting", source.count_rows()) as advance:
        for part in source.parts(_ROWS_AT_ONCE):
            rows = selection.take(part)
            if len(rows):
                yield rows, fitted.predict(rows, start=None)
            advance(len(part))
    selection.check()


def first_rows(source: Source, selection: Selection, count: int) -> pd.DataFrame:
    """Return the first of the chosen rows.

    Raises:
        DataError: The table cannot be read, or no row is chosen.
    """
    import pandas as pd

    found: list[pd.DataFrame] = []
    for part in source.parts(_ROWS_AT_ONCE):
        found.append(selection.take(part))
        if selection.chosen >= count:
            break
    selection.check()
    return pd.concat(found).iloc[:count]


def take_rows(source: Source, places: list[int]) -> pd.DataFrame:
    """Return the rows at some places of a table, from 0, in the order of the table.

    Raises:
        DataError: The table cannot be read, or has fewer rows.
    """
    import pandas as pd

    found = [part[part.index.isin(places)] for part in source.parts(_ROWS_AT_ONCE)]
    rows = pd.concat(found)
    lacking = sorted(set(places) - set(rows.index))
    if lacking:
        raise DataError(
            f"expected places of rows from 0 to {source.count_rows() - 1}, got {lacking[0]}"
        )
    return rows


def wrong_rows(
    fitted: FittedModel,
    source: Source,
    selection: Selection,
    report: Report,
    names: Sequence[str],
    separator: str | None,
    count: int | None,
) -> pd.DataFrame:
    """Return the chosen rows of which the model predicts another class, or other labels.

    Args:
        fitted: The model.
        source: The rows.
        selection: Which of them are chosen.
        report: Shows how far it is.
        names: Name of the label's column.
        separator: What stands between labels in one cell; None: cells are as they are.
        count: Most rows; None: all.

    Raises:
        DataError: The model predicts numbers, a label is not there, or no row is wrong.
    """
    import pandas as pd

    from mmgraph.cli import targets
    from mmgraph.data.targets import indicator

    classes = fitted.outputs.classes
    if classes is None:
        raise DataError("--wrong: expected a model of classes or labels, got one of numbers")
    found: list[pd.DataFrame] = []
    for part, outputs in predicted(fitted, source, selection, report):
        rest, truth = targets.take_truth(part, names, separator=separator)
        decided = fitted.decide(outputs)
        if decided.ndim == 2:
            wrong = (decided != indicator(truth, classes, part.index)).any(1)
        else:
            wrong = np.array([a != b for a, b in zip(decided.tolist(), truth, strict=True)])
        found.append(rest[wrong])
        if count is not None and sum(map(len, found)) >= count:
            break
    rows = pd.concat(found).iloc[:count] if found else None
    if rows is None or not len(rows):
        selection.check()
        raise DataError("--wrong: the model is right on every row that was chosen")
    return rows
