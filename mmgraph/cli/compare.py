"""`mmgraph compare`: fusion methods and simple rivals on the same rows, folds and seeds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from rich.markdown import Markdown

from mmgraph.cli.options import (
    ROWS,
    TRAINING,
    Inputs,
    Rows,
    Training,
    option,
    output_option,
)
from mmgraph.cli.report import Report


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
            help="Method to compare, by its name in mmgraph.compare.",
            default="all",
        ),
    ] = None,
    folds: Annotated[
        int | None,
        option(min=2, panel=ROWS, help="Number of folds.", default="the table's split, or else 5"),
    ] = None,
    seeds: Annotated[int, option(min=1, panel=TRAINING, help="Number of seeds, from --seed.")] = 3,
) -> None:
    """Fit every method on every fold with every seed, beside linear models, and tell them apart.

    Rows of the test split are left out: nothing is to be chosen by them.
    """
    from mmgraph.cli.fit import make_estimator
    from mmgraph.cli.inputs import read_problem
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import Selection
    from mmgraph.compare import compare as run  # type: ignore

    with report.messages(), opened(rows) as source:
        frame = source.read()
        column = Selection(rows).column(frame)
        problem = read_problem(frame, source, inputs, aside=[column] if column else [])
        template = make_estimator(problem, training, additive=False, verbose=False)
        comparison = run(
            problem.frame,
            problem.truth,
            output=output,
            methods=method,
            template=template,
            groups=problem.groups,
            folds=folds or column or 5,
            seeds=range(training.random_state, training.random_state + seeds),
        )
    result = {"output": str(output), "methods": comparison.summary().to_dict("records")}
    report.show(result, Markdown(comparison.to_markdown()))
