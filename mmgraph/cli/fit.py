"""`mmgraph fit`: from a table to a saved model."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mmgraph.cli.files import check_output
from mmgraph.cli.options import Inputs, Overwrite, Rows, Training, output_option
from mmgraph.cli.report import Report, table
from mmgraph.errors import DataError

if TYPE_CHECKING:
    from mmgraph.cli.inputs import Problem

Output = Annotated[
    Path,
    output_option("PATH", "The model to write: a folder, or one file that ends in .mmgraph."),
]


def fit(
    rows: Rows,
    output: Output,
    inputs: Inputs,
    training: Training,
    report: Report,
    overwrite: Overwrite = False,
) -> None:
    """Fit a model on a table of images, texts and more, and save it.

    Only the columns that are named are used. If none is, they are chosen by what they look like.
    """
    from mmgraph.cli.inputs import read_problem
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import TRAINING, Selection
    from mmgraph.saving.model import check_model_place
    from mmgraph.saving.rescue import save_or_rescue

    check_output(output, overwrite=overwrite)
    with report.messages(), opened(rows) as source:
        selection = Selection(rows, TRAINING)
        frame = selection.take(source.read())
        selection.check()
        problem = read_problem(frame, source, inputs)
        start = time.perf_counter()
        estimator = make_estimator(problem, training, verbose=not report.quiet)
        check_model_place(output, overwrite=overwrite)
        estimator.fit(problem.frame, problem.truth, groups=problem.groups)
        save_or_rescue(estimator, output, overwrite=overwrite)
    _show(report, estimator, output, problem.task, time.perf_counter() - start)


def make_estimator(problem: Problem, training: Training, **options: Any) -> Any:
    """Return an estimator for a problem, not fitted."""
    from mmgraph.estimator import MultimodalGraphClassifier, MultimodalGraphRegressor

    regression = problem.task == "regression"
    kind = MultimodalGraphRegressor if regression else MultimodalGraphClassifier
    named = asdict(training)
    chosen = [read_argument(each) for each in named.pop("arguments") or ()]
    made = kind(problem.modalities, links=problem.links, **named, **options)
    return made.set_params(**dict(chosen))


def read_argument(given: str) -> tuple[str, Any]:
    """Return name and value of what stands behind `--set`; values are JSON, or else text.

    Raises:
        DataError: It is not NAME=VALUE.

    Example:
        >>> read_argument("training__patience=8"), read_argument("fusion=late")
        (('training__patience', 8), ('fusion', 'late'))
    """
    name, equals, value = given.partition("=")
    if not equals or not name:
        raise DataError(f"--set {given}: expected NAME=VALUE, such as training__patience=8")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _show(report: Report, estimator: Any, output: Path, task: str, seconds: float) -> None:
    facts = estimator.facts_
    inputs = {each.node_type: type(each).__name__ for each in estimator.modalities_}
    result = {
        "model": str(output),
        "task": task,
        "inputs": inputs,
        "rows": facts["rows"],
        "held_out_rows": facts["held_out_rows"],
        "held_out": facts["held_out"],
        "seconds": round(seconds, 1),
    }
    held_out = ", ".join(f"{name} {value:.4f}" for name, value in facts["held_out"].items())
    lines = [
        ("model", output),
        ("task", task),
        ("inputs", ", ".join(f"{name} ({kind})" for name, kind in inputs.items())),
        ("training rows", f"{facts['rows']:,}"),
        ("held-out rows", f"{facts['held_out_rows']:,}: {held_out}" if held_out else "none"),
        ("seconds", f"{seconds:.0f}"),
    ]
    report.summary(result, table("Fitted", lines))
