"""`mmgraph evaluate`: how well a model does on rows whose targets are known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from mmgraph.cli.options import OUTPUT, Labels, Model, Rows, Separator, Unreadable, option
from mmgraph.cli.report import Report, table

if TYPE_CHECKING:
    from mmgraph.datasets.base import MultimodalDataset
    from mmgraph.fitted import FittedModel


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
        fitted = load_model(model, unreadable).fitted_
        names = targets.label_columns(label, source, fitted.facts.get("label"))
        selection = Selection(rows, TEST)
        truths, outputs = [], []
        for part, values in predicted(fitted, source, selection, report):
            separator = label_separator if fitted.task.has_sets else None
            truths.append(targets.take_truth(part, names, separator=separator)[1])
            outputs.append(values)
        wanted = metric or _usual_metrics(fitted, None if label else source.dataset)
        scores = _score(fitted, wanted, pd.concat(truths), np.concatenate(outputs))
    result = {"model": str(model), "rows": selection.chosen, "metrics": scores}
    lines = [(name, f"{value:.4f}") for name, value in scores.items()]
    title = f"{model.name} on {selection.chosen:,} rows of {rows.data}"
    report.show(result, table(title, lines, head=("metric", "value")))


def _usual_metrics(fitted: FittedModel, dataset: MultimodalDataset | None) -> Sequence[str]:
    from mmgraph.metrics import default_metrics

    return default_metrics(fitted.task.kind) if dataset is None else dataset.metrics


def _score(fitted: FittedModel, names: Sequence[str], truth: Any, outputs: Any) -> dict[str, float]:
    from mmgraph.metrics import evaluate_predictions

    classes = fitted.outputs.classes
    return evaluate_predictions(
        names,
        truth,
        fitted.decide(outputs),
        probabilities=None if classes is None else outputs,
        classes=classes,
    )
