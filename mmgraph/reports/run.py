"""Making a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmgraph.errors import DataError
from mmgraph.fitted import Fitted, fitted_model
from mmgraph.metrics import check_metrics, default_metrics
from mmgraph.reports.baselines import baseline_table
from mmgraph.reports.predicted import Predicted
from mmgraph.reports.result import ModelReport
from mmgraph.reports.slices import slice_table
from mmgraph.reports.tables import (
    calibration_table,
    class_table,
    confusion_table,
    metric_table,
)
from mmgraph.tables.opening import read_frame, take_columns

#: Added to the metrics of classes and labels.
_OF_PROBABILITIES = ("log_loss", "ece")


def report(
    model: Fitted,
    X: Any,
    y: Any,
    *,
    metrics: Sequence[str] | None = None,
    groups: Any = None,
    slices: Sequence[str] | None = None,
    train: Any = None,
    draws: int = 500,
    seed: int = 0,
) -> ModelReport:
    """Say how good a model is on rows that it was not fitted on, and where it is wrong.

    Args:
        model: A fitted classifier or regressor, or its `FittedModel`.
        X: The rows.
        y: What is true of them: a value for each, or the name of the column in `X`.
        metrics: Names of metrics, see `evaluate_predictions`; the first one is that of slices and
            baselines. None: those of the task, log loss and calibration error.
        groups: Group of each row, or the name of the column: the bootstrap draws whole groups.
        slices: Columns whose values make slices; None: those with few values. Missing modalities
            and lengths of texts always do.
        train: The table that the model was fitted on, with the columns that `y` and `groups`
            name: baselines are fitted on it. None: the constant prediction is the only one.
        draws: Draws of the bootstrap.
        seed: Its seed.

    Raises:
        DataError: There is no such metric or column, a cell cannot be read, or a true value is
            missing.

    Example:
        >>> import pandas as pd
        >>> from mmgraph import MultimodalGraphClassifier, Text
        >>> table = pd.DataFrame({"text": ["red", "blue"] * 12, "label": ["warm", "cold"] * 12})
        >>> text = Text("text", features=None)
        >>> clf = MultimodalGraphClassifier([text], graph=False, verbose=False)
        >>> found = report(clf.fit(table, "label"), table, "label", draws=50)
        >>> found.metrics.round(2).values[0].tolist()
        ['accuracy', 1.0, 1.0, 1.0]
    """
    fitted = fitted_model(model)
    names = list(metrics or default_metrics(fitted.task.kind))
    check_metrics(names)
    if metrics is None and fitted.outputs.classes is not None:
        names += _OF_PROBABILITIES
    known, rest = _targets(train, y, groups)
    frame, truth = take_columns(read_frame(X), y, "y")
    frame, groups = take_columns(frame, groups, "groups")
    rows = Predicted.by(fitted, frame, truth, fitted.predict(frame), groups)
    return ModelReport(
        rows=len(frame),
        metrics=metric_table(rows, names, draws=draws, seed=seed),
        classes=class_table(rows),
        slices=slice_table(rows, fitted.modalities, slices, names[0], draws=draws, seed=seed),
        baselines=baseline_table(fitted, rows, names, known, *rest),
        confusion=confusion_table(rows),
        calibration=calibration_table(rows),
    )


def _targets(train: Any, y: Any, groups: Any) -> tuple[Any, tuple[Any, Any]]:
    """Return the training rows, their targets and groups; None where there are none.

    Raises:
        DataError: Names are not given, which the training rows could have as well.
    """
    if train is None:
        return None, (None, None)
    if not isinstance(y, str) or not (groups is None or isinstance(groups, str)):
        raise DataError(
            "train: expected y and groups as names of columns, which the training rows have as "
            'well; put them into the table and name them: y="label"'
        )
    frame, truth = take_columns(read_frame(train), y, "y")
    frame, groups = take_columns(frame, groups, "groups")
    return frame, (truth, groups)
