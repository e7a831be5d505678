"""`mmgraph evaluate`: how well a model does on rows whose targets are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mmgraph.cli.files import check_output
from mmgraph.cli.options import (
    OUTPUT,
    Labels,
    Model,
    Overwrite,
    Rows,
    Separator,
    Unreadable,
    option,
)
from mmgraph.cli.report import Report, table

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.cli.sources import Source
    from mmgraph.cli.splits import Selection
    from mmgraph.datasets.base import MultimodalDataset
    from mmgraph.fitted import FittedModel
    from mmgraph.reports import ModelReport


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
    page: Annotated[
        Path | None,
        option(
            "--report",
            metavar="FILE",
            panel=OUTPUT,
            help="A page to write (.html): classes, confusion, calibration, slices, intervals, and "
            "baselines that are fitted on the training splits of the table.",
            resolve_path=True,
        ),
    ] = None,
    group: Annotated[
        str | None,
        option(
            metavar="COLUMN",
            panel=OUTPUT,
            help="For --report: rows of one group are drawn together for intervals.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Score a model on the rows of a table, by default on those of its test split."""
    from mmgraph.cli.models import load_model
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import TEST, Selection
    from mmgraph.metrics import check_metrics

    if page is not None:
        check_output(page, overwrite=overwrite, suffixes=(".html",))
    check_metrics(metric or ())  # before anything is read
    with report.messages(), opened(rows) as source:
        fitted = load_model(model, unreadable).fitted_
        selection = Selection(rows, TEST)
        names = _label_names(label, source, fitted)
        separator = label_separator if fitted.task.has_sets else None
        wanted = list(metric or _usual_metrics(fitted, None if label else source.dataset))
        if page is None:
            said = _predict(fitted, source, selection, report, names, separator)
            scores = _score(fitted, wanted, *said)
        else:
            made = _report(fitted, source, rows, selection, names, separator, wanted, group)
            made.to_html(page)
            scores = dict(zip(made.metrics["metric"], made.metrics["value"], strict=True))
    result: dict[str, Any] = {"model": str(model), "rows": selection.chosen, "metrics": scores}
    title = f"{model.name} on {selection.chosen:,} rows of {rows.data}"
    lines = [(name, f"{value:.4f}") for name, value in scores.items()]
    pages = [table(title, lines, head=("metric", "value"))]
    if page is not None:
        result["report"] = made.to_dict()
        pages.append(table(str(page), [("", each) for each in made.sentences]))
    report.show(result, *pages)


def _label_names(label: Sequence[str] | None, source: Source, fitted: FittedModel) -> list[str]:
    from mmgraph.cli import targets

    return targets.label_columns(label, source, fitted.facts.get("label"))


def _predict(
    fitted: FittedModel,
    source: Source,
    selection: Selection,
    report: Report,
    names: Sequence[str],
    separator: str | None,
) -> tuple[Any, Any]:
    """Return what is true of all chosen rows, and what the model says, a part at a time."""
    import numpy as np
    import pandas as pd

    from mmgraph.cli import targets
    from mmgraph.cli.models import predicted

    truths, outputs = [], []
    for part, values in predicted(fitted, source, selection, report):
        truths.append(targets.take_truth(part, names, separator=separator)[1])
        outputs.append(values)
    return pd.concat(truths), np.concatenate(outputs)


def _report(
    fitted: FittedModel,
    source: Source,
    rows: Rows,
    selection: Selection,
    names: Sequence[str],
    separator: str | None,
    metrics: Sequence[str],
    group: str | None,
) -> ModelReport:
    """Return a report of the chosen rows, with baselines where there are training rows as well."""
    from mmgraph.cli.splits import TRAINING, Selection
    from mmgraph.reports import report as run

    every = source.read()
    frame = selection.take(every)
    selection.check()
    train = None
    if (rows.split_column or "split") in every.columns and not rows.split:
        train = Selection(rows, TRAINING).take(every)
        train = _with_sets(train, names, separator) if len(train) else None
    [label, *more] = names
    return run(
        fitted,
        _with_sets(frame, names, separator),
        [label, *more] if more else label,
        metrics=metrics,
        groups=group,
        train=None if more else train,
    )


def _with_sets(frame: pd.DataFrame, names: Sequence[str], separator: str | None) -> pd.DataFrame:
    """Return a table whose labels are read: sets of them, where cells hold several."""
    from mmgraph.cli import targets

    rest, truth = targets.take_truth(frame, names, separator=separator)
    return frame if separator is None else rest.assign(**{names[0]: truth})


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
