"""The tables of a report: metrics, classes, confusion, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from mmgraph.data.targets import indicator
from mmgraph.reports.predicted import Predicted

if TYPE_CHECKING:
    import pandas as pd

#: Bins of the calibration curve.
_BINS = 10


def metric_table(rows: Predicted, names: list[str], *, draws: int, seed: int) -> pd.DataFrame:
    """Return each metric with its 95% interval: metric, value, low, high."""
    import pandas as pd

    scores, intervals = rows.score(names), rows.intervals(names, draws=draws, seed=seed)
    found = [
        (name, scores[name], *interval) for name, interval in zip(names, intervals, strict=True)
    ]
    return pd.DataFrame(found, columns=["metric", "value", "low", "high"])


def class_table(rows: Predicted) -> pd.DataFrame:
    """Return a row for each class or label: precision, recall, F1, rows, predicted; else none."""
    import pandas as pd

    columns = ["class", "precision", "recall", "f1", "rows", "predicted"]
    if rows.classes is None:
        return pd.DataFrame(columns=columns)
    names, true, said = decisions(rows)
    hits = (true & said).sum(0)
    count, predicted = true.sum(0), said.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return pd.DataFrame(
            {
                "class": names,
                "precision": hits / predicted,
                "recall": hits / count,
                "f1": 2 * hits / (count + predicted),
                "rows": count,
                "predicted": predicted,
            }
        )


def decisions(
    rows: Predicted,
) -> tuple[list[Any], Bool[np.ndarray, "rows classes"], Bool[np.ndarray, "rows classes"]]:
    """Return classes, which are true and which are predicted; unknown true classes come last."""
    assert rows.classes is not None
    if rows.decided.ndim == 2:
        true = indicator(rows.truth, rows.classes, rows.frame.index) > 0
        return rows.classes.tolist(), true, rows.decided > 0
    truth = list(rows.truth)
    known = rows.classes.tolist()
    names = [*known, *sorted({each for each in truth if each not in set(known)}, key=str)]
    place = {name: number for number, name in enumerate(names)}
    every = np.arange(len(names))
    true = np.array([place[each] for each in truth])[:, None] == every
    said = np.array([place[each] for each in rows.decided.tolist()])[:, None] == every
    return names, true, said


def confusion_table(rows: Predicted) -> pd.DataFrame | None:
    """Return counts with a row for each true class and a column for each predicted one."""
    import pandas as pd

    if rows.classes is None or rows.decided.ndim == 2:
        return None
    names, true, said = decisions(rows)
    counts = true.astype(int).T @ said.astype(int)
    return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=names)


def calibration_table(rows: Predicted) -> pd.DataFrame | None:
    """Return how sure the model was and how often right: confidence, accuracy, rows, for each bin.

    Of a class the confidence is that of the most probable one; of labels all decisions count.
    """
    import pandas as pd

    if rows.classes is None:
        return None
    confidence, right = _confidence(rows)
    place = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    count = np.bincount(place, minlength=_BINS)
    there = count > 0
    return pd.DataFrame(
        {
            "confidence": np.bincount(place, confidence, _BINS)[there] / count[there],
            "accuracy": np.bincount(place, right, _BINS)[there] / count[there],
            "rows": count[there],
        }
    )


def _confidence(
    rows: Predicted,
) -> tuple[Float[np.ndarray, "decisions"], Bool[np.ndarray, "decisions"]]:
    assert rows.classes is not None
    if rows.decided.ndim == 2:
        true = indicator(rows.truth, rows.classes, rows.frame.index) > 0
        return rows.outputs.ravel().astype(np.float64), true.ravel()
    best = rows.classes[rows.outputs.argmax(1)].tolist()
    right = np.array([one == other for one, other in zip(best, rows.truth, strict=True)])
    return rows.outputs.max(1).astype(np.float64), right
