"""Metrics of a model's predictions for a table that is read part by part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmgraph.cli.models import predicted
from mmgraph.cli.report import Report
from mmgraph.cli.sources import Source
from mmgraph.cli.splits import Selection
from mmgraph.cli.targets import label_columns, take_truth
from mmgraph.metrics import default_metrics, evaluate_predictions


def score(
    estimator: Any,
    source: Source,
    selection: Selection,
    *,
    labels: Sequence[str] | None,
    separator: str,
    metrics: Sequence[str] | None,
    report: Report,
) -> dict[str, float]:
    """Return metrics by name.

    Args:
        estimator: The model.
        source: The rows.
        selection: Chooses some of them.
        labels: Columns with what is right; None: those the model was fitted on.
        separator: What stands between several labels in one cell.
        metrics: Names of metrics; None: the data set's, or those of the task.
        report: Where progress is shown.

    Raises:
        DataError: Rows cannot be read, targets are missing or of another kind than the model's,
            or a metric is unknown.
    """
    import pandas as pd

    multilabel = getattr(estimator, "multilabel_", False)
    names = label_columns(labels, source, estimator.facts_.get("label"))
    truths, outputs = [], []
    for rows, values in predicted(estimator, source, selection, report):
        _, truth = take_truth(rows, names, separator=separator if multilabel else None)
        truths.append(truth)
        outputs.append(values)
    found, truth = np.concatenate(outputs), pd.concat(truths)
    chosen = metrics or _own_metrics(estimator, source, labels)
    classes = getattr(estimator, "classes_", None)
    return evaluate_predictions(
        chosen,
        truth,
        estimator._decide(found),
        probabilities=None if classes is None else found,
        classes=classes,
    )


def _own_metrics(estimator: Any, source: Source, labels: Sequence[str] | None) -> Sequence[str]:
    if source.dataset is not None and not labels:
        return source.dataset.metrics
    if not hasattr(estimator, "classes_"):
        return default_metrics("regression")
    return default_metrics("multilabel" if estimator.multilabel_ else "multiclass")
