"""Saved models: loaded for a table, and run on it part by part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mmgraph.cli.inputs import Reading, text_columns
from mmgraph.cli.report import Report
from mmgraph.cli.sources import Source
from mmgraph.cli.splits import Selection

if TYPE_CHECKING:
    import pandas as pd

#: Rows in memory at once. A row with an image takes 128 kB with the default backbone.
_ROWS_AT_ONCE = 256


def load_model(path: Path, reading: Reading, report: Report) -> Any:
    """Return a saved estimator that reads a table's cells as told.

    Raises:
        DataError: There is no model, or a damaged one.
    """
    from mmgraph import load

    estimator = load(path)
    estimator.verbose = not report.quiet
    estimator.modalities_ = [reading.apply(each) for each in estimator.modalities_]
    return estimator


def predicted(
    estimator: Any, source: Source, selection: Selection, report: Report
) -> Iterator[tuple[pd.DataFrame, Float[np.ndarray, "rows outputs"]]]:
    """Return all chosen rows in order, a part at a time, each with probabilities or values.

    Raises:
        DataError: The table or a cell cannot be read, or no row is chosen.
    """
    texts = text_columns(estimator.modalities_)
    done = 0
    with report.progress("predicting", source.count_rows()) as advance:
        for part in source.parts(_ROWS_AT_ONCE, texts):
            rows = selection.take(part)
            if len(rows):
                yield rows, estimator._predictions(rows, start=done)
            done += len(part)
            advance(len(part))
    selection.check()
