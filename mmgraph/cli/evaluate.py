"""`mmgraph evaluate`: how well a model does on rows whose targets are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from mmgraph.cli.options import OUTPUT, Labels, Model, Rows, Separator, Unreadable, option
from mmgraph.cli.report import Report, table

if TYPE_CHECKING:
    from mmgraph.datasets.base import MultimodalDataset


def evaluate(
    model: Model,
    rows: Rows,
    report: Report,
    label: Labels = None,
    label_separator: Separator = "|",
    unreadable: Unreadable = None,
    metric: Annotated[
        list[str] | None,
        option(
            metavar="NAME",
            panel=OUTPUT,
            help="Metric to compute, by its name in mmgraph.metrics.",
            default="those of the data set or the task",
        ),
    ] = None,
) -> None:
    """Score a model on the rows of a table, by default on those of its test split."""
    import numpy as np
    import pandas as pd

    from mmgraph.cli import targets
    from mmgraph.cli.models import load_model, predicted
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import TEST, Selection

    with report.messages(), opened(rows) as source:
        estimator = load_model(model, unreadable)
        names = targets.label_columns(label, source, estimator.facts_.get("label"))
        multilabel = getattr(estimator, "multilabel_", False)
        selection = Selection(rows, TEST)
        truths, outputs = [], []
        for part, values in predicted(estimator, source, selection, report):
            separator = label_separator if multilabel else None
            truths.append(targets.take_truth(part, names, separator=separator)[1])
            outputs.append(values)
        wanted = metric or _usual_metrics(estimator, None if label else source.dataset)
        scores = _score(estimator, wanted, pd.concat(truths), np.concatenate(outputs))
    result = {"model": str(model), "rows": selection.chosen, "metrics": scores}
    lines = [(name, f"{value:.4f}") for name, value in scores.items()]
    title = f"{model.name} on {selection.chosen:,} rows of {rows.data}"
    report.show(result, table(title, lines, head=("metric", "value")))


def _usual_metrics(estimator: Any, dataset: MultimodalDataset | None) -> Sequence[str]:
    from mmgraph.metrics import default_metrics

    if dataset is not None:
        return dataset.metrics
    if not hasattr(estimator, "classes_"):
        return default_metrics("regression")
    return default_metrics("multilabel" if estimator.multilabel_ else "multiclass")


def _score(estimator: Any, names: Sequence[str], truth: Any, outputs: Any) -> dict[str, float]:
    from mmgraph.metrics import evaluate_predictions

    classes = getattr(estimator, "classes_", None)
    return evaluate_predictions(
        names,
        truth,
        estimator._decide(outputs),
        probabilities=None if classes is None else outputs,
        classes=classes,
    )
