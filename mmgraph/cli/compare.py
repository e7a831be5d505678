"""`mmgraph compare`: fusion methods and simple baselines on the same rows, folds and seeds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mmgraph.cli.options import ROWS, TRAINING, Inputs, Rows, Training, option, output_option
from mmgraph.cli.report import Report, table
from mmgraph.comparison.markdown import TOGETHER
from mmgraph.system.atomic import check_writable, written_at_once

if TYPE_CHECKING:
    import pandas as pd


def compare(
    rows: Rows,
    output: Annotated[
        Path,
        output_option(
            "FOLDER", "Folder that keeps the runs; those that are done are not run again."
        ),
    ],
    inputs: Inputs,
    training: Training,
    report: Report,
    method: Annotated[
        list[str] | None,
        option(
            metavar="NAME",
            panel=TRAINING,
            help="Method, by its name in mmgraph.compare; the first is what others are tested "
            "against.",
            default="all, against graph",
        ),
    ] = None,
    folds: Annotated[int, option(min=2, panel=ROWS, help="Number of folds, for each seed.")] = 5,
    seeds: Annotated[int, option(min=1, panel=TRAINING, help="Number of seeds, from --seed.")] = 3,
) -> None:
    """Fit every method on every fold with every seed, beside linear models, and tell them apart.

    Rows of the test split are left out: nothing is to be chosen by them.
    """
    from mmgraph.cli.fit import make_estimator
    from mmgraph.cli.inputs import read_problem
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import TRAINING as FOR_TRAINING
    from mmgraph.cli.splits import Selection
    from mmgraph.comparison import compare as run

    check_writable(output / "comparison.md")
    with report.messages(), opened(rows) as source:
        selection = Selection(rows, FOR_TRAINING)
        frame = selection.take(source.read())
        selection.check()
        problem = read_problem(frame, source, inputs)
        comparison = run(
            problem.frame,
            problem.truth,
            methods=method,
            template=make_estimator(problem, training, linear=False, verbose=False),
            groups=problem.groups,
            folds=folds,
            seeds=range(training.random_state, training.random_state + seeds),
            reference=method[0] if method else "graph",
            output=output,
        )
    with written_at_once(output / "comparison.md") as draft:
        draft.write_text(comparison.to_markdown(), "utf-8", errors="backslashreplace")
    summary = comparison.summary()
    result = {"output": str(output), "methods": summary.to_dict("records")}
    report.show(result, _page(summary, comparison.reference))


def _page(summary: pd.DataFrame, reference: str) -> Any:
    """Return means of each metric, and the deviation and the test of the first one."""
    metrics = list(dict.fromkeys(summary["metric"]))
    lines = []
    for method, rows in summary.groupby("method", sort=False):
        first, *others = rows.to_dict("records")
        means = [f"{first['mean']:.3f} ± {first['std_folds']:.3f}"]
        means += [f"{_shown(each):.3f}" for each in others]
        tested = ("", "") if method == reference else (first["difference"], first["p_holm"])
        lines.append((method, *means, *(f"{x:.3f}" if x != "" else x for x in tested)))
    head = ("method", *metrics, f"to {reference}", "p")
    return table("mean ± deviation between folds; comparison.md says more", lines, head=head)


def _shown(row: Mapping[Any, Any]) -> float:
    """Return the mean, or where that is mostly chance, what all folds together have."""
    return float(row["together" if row["metric"] in TOGETHER else "mean"])
