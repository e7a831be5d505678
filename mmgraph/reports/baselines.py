"""What models without a graph reach on the same rows."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from mmgraph.comparison.baselines.averaged import make_averaged
from mmgraph.comparison.baselines.choice import make_pooled
from mmgraph.comparison.baselines.estimator import MOST_ROWS
from mmgraph.comparison.tables import LOWER_IS_BETTER
from mmgraph.errors import DataError
from mmgraph.fitted import FittedModel
from mmgraph.kinds import TaskKind
from mmgraph.metrics import evaluate_predictions
from mmgraph.reports.predicted import Predicted

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

#: The strongest baselines of pooled features, see `mmgraph.comparison.make_baselines`.
_POOLED = ("regression+neighbours", "log-pooling+neighbours")


def baseline_table(
    fitted: FittedModel,
    rows: Predicted,
    metrics: Sequence[str],
    train: pd.DataFrame | None,
    truth: Any,
    groups: Any,
) -> pd.DataFrame:
    """Return a row for each baseline, the best by the first metric first, with all metrics.

    The constant prediction needs no training rows: the largest class, no label, or the mean of
    the training rows, as the model knows them.

    Args:
        fitted: The model.
        rows: What it predicted.
        metrics: Names of metrics.
        train: The training rows; None: the constant prediction alone.
        truth: Their targets.
        groups: Their groups.
    """
    import pandas as pd

    prior = fitted.task.activate(fitted.task.prior.unsqueeze(0)).numpy()
    constant = np.repeat(prior.astype(np.float64), len(rows), axis=0)
    found = [("constant", *_scores(rows, metrics, fitted.decide(constant), constant))]
    if train is not None:
        for name, decided, outputs in _fitted(fitted, rows, train, truth, groups):
            found.append((name, *_scores(rows, metrics, decided, outputs)))
    table = pd.DataFrame(found, columns=["baseline", *metrics])
    ascending = metrics[0] in LOWER_IS_BETTER
    return table.sort_values(metrics[0], ascending=ascending, kind="stable", ignore_index=True)


def _fitted(
    fitted: FittedModel, rows: Predicted, train: pd.DataFrame, truth: Any, groups: Any
) -> Iterator[tuple[str, Any, Any]]:
    if fitted.task.kind not in get_args(TaskKind):
        return  # a task of somebody's own
    kind = cast(TaskKind, fitted.task.kind)
    methods = make_averaged(fitted.modalities) if kind == "multiclass" else []
    if len(train) <= MOST_ROWS:
        methods += [make_pooled(name, fitted.modalities, kind) for name in _POOLED]
    for method in methods:
        try:
            model = method.make(0).fit(train, truth, groups)
        except DataError as error:
            logger.warning("baseline %s is left out: %s", method.name, error)
            continue
        if rows.classes is None:
            yield method.name, model.predict(rows.frame), None
            continue
        if list(model.classes_) != rows.classes.tolist():
            logger.warning("baseline %s is left out: it has other classes", method.name)
            continue
        yield method.name, model.predict(rows.frame), model.predict_proba(rows.frame)


def _scores(rows: Predicted, metrics: Sequence[str], decided: Any, outputs: Any) -> list[float]:
    probabilities = None if rows.classes is None else outputs
    scores = evaluate_predictions(list(metrics), rows.truth, decided, probabilities, rows.classes)
    return [scores[name] for name in metrics]
