"""`mmgraph evaluate`: how well a model does on rows whose targets are known."""

from __future__ import annotations

from typing import Annotated, Any

from mmgraph.cli import options
from mmgraph.cli.options import OUTPUT, option
from mmgraph.cli.report import Report, table


def evaluate(
    model: options.Model,
    data: options.Data,
    label: options.Labels = None,
    label_separator: options.Separator = "|",
    root: options.Root = None,
    unreadable: options.Unreadable = "raise",
    split_column: options.SplitColumn = None,
    split: options.Splits = None,
    metric: Annotated[
        list[str] | None,
        option(
            metavar="NAME",
            panel=OUTPUT,
            help="Metric to compute, by its name in mmgraph.metrics.",
            default="those of the data set or the task",
        ),
    ] = None,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Score a model on the rows of a table, by default on those of its test split."""
    from mmgraph.cli.inputs import Reading
    from mmgraph.cli.models import load_model
    from mmgraph.cli.scores import score
    from mmgraph.cli.sources import open_source
    from mmgraph.cli.splits import TEST, Selection

    report = Report(quiet=quiet, as_json=as_json)
    with report.warned():
        source = open_source(data, root)
        estimator = load_model(model, Reading(source.root, unreadable), report)
        selection = Selection(split_column, split or [], TEST)
        scores = score(
            estimator,
            source,
            selection,
            labels=label,
            separator=label_separator,
            metrics=metric,
            report=report,
        )
    result: dict[str, Any] = {"model": str(model), "rows": selection.chosen, "metrics": scores}
    lines = [(name, f"{value:.4f}") for name, value in scores.items()]
    title = f"{model} on {selection.chosen:,} rows of {data}"
    report.show(result, table(title, lines, head=("metric", "value")))
