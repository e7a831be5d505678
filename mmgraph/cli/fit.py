"""`mmgraph fit`: from a table to a saved model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mmgraph.cli import options
from mmgraph.cli.options import INPUTS, OUTPUT, ROWS, TRAINING, option
from mmgraph.cli.report import Report, table


def _columns(kind: str, what: str) -> Any:
    return option(f"--{kind}", metavar="COLUMN", panel=INPUTS, help=f"A column of {what}.")


def _check_channels(value: int) -> int:
    if value % 4:
        raise typer.BadParameter("expected a multiple of 4, for the four heads of the graph")
    return value


def fit(
    data: options.Data,
    output: Annotated[
        Path,
        option(
            *("--output", "-o"),
            metavar="PATH",
            panel=OUTPUT,
            help="The model to write: a folder, or one file that ends in .mmgraph.",
            show_default=False,
        ),
    ],
    label: options.Labels = None,
    image: Annotated[list[str] | None, _columns("image", "images")] = None,
    text: Annotated[list[str] | None, _columns("text", "texts")] = None,
    audio: Annotated[list[str] | None, _columns("audio", "sounds")] = None,
    video: Annotated[list[str] | None, _columns("video", "videos")] = None,
    tabular: Annotated[
        list[str] | None, _columns("tabular", "numbers, categories or dates")
    ] = None,
    features: Annotated[list[str] | None, _columns("features", "vectors")] = None,
    task: Annotated[
        Literal["multiclass", "multilabel", "regression"] | None,
        option(panel=INPUTS, help="What the label is.", default="what it looks like"),
    ] = None,
    label_separator: options.Separator = "|",
    root: options.Root = None,
    unreadable: options.Unreadable = "raise",
    split_column: options.SplitColumn = None,
    split: options.Splits = None,
    groups: Annotated[
        str | None,
        option(
            metavar="COLUMN",
            panel=ROWS,
            help="Rows of one group are held out together, or not at all; never an input.",
        ),
    ] = None,
    from_scratch: Annotated[
        bool, option("--from-scratch", panel=TRAINING, help="Use no pretrained networks.")
    ] = False,
    image_size: Annotated[
        int, option(min=16, panel=TRAINING, help="Pixels that images are scaled to.")
    ] = 160,
    epochs: Annotated[
        int, option(min=1, panel=TRAINING, help="Most passes over the training rows.")
    ] = 15,
    channels: Annotated[
        int,
        option(min=4, panel=TRAINING, help="Features of a node.", callback=_check_channels),
    ] = 64,
    batch_size: Annotated[int, option(min=1, panel=TRAINING, help="Rows of a batch.")] = 64,
    seed: Annotated[int, option(min=0, panel=TRAINING, help="Seed of everything random.")] = 0,
    device: Annotated[
        Literal["auto", "cpu", "gpu", "mps"], option(panel=TRAINING, help="Where to train.")
    ] = "auto",
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Fit a model on a table of images, texts and more, and save it.

    Only the columns that are named are used. If none is, they are chosen by what they look like.
    """
    from mmgraph.cli.files import check_model_output
    from mmgraph.cli.inputs import Reading
    from mmgraph.cli.problem import read_problem
    from mmgraph.cli.sources import open_source
    from mmgraph.cli.splits import TRAINING as TRAINING_SPLITS
    from mmgraph.cli.splits import Selection

    check_model_output(output, overwrite=overwrite)
    report = Report(quiet=quiet, as_json=as_json)
    columns = {"image": image, "text": text, "audio": audio, "video": video}
    columns |= {"tabular": tabular, "features": features}
    with report.warned():
        source = open_source(data, root)
        problem = read_problem(
            source,
            Selection(split_column, split or [], TRAINING_SPLITS),
            labels=label,
            task=task,
            separator=label_separator,
            groups=groups,
            columns={kind: names or [] for kind, names in columns.items()},
        )
        reading = Reading(source.root, unreadable, image_size, from_scratch)
        start = time.perf_counter()
        estimator = _fitted(
            problem,
            reading,
            epochs=epochs,
            channels=channels,
            batch_size=batch_size,
            random_state=seed,
            device=device,
            verbose=not quiet,
        )
        estimator.save(output, overwrite=overwrite)
    _show(report, estimator, output, problem.task, time.perf_counter() - start)


def _fitted(problem: Any, reading: Any, **options: Any) -> Any:
    """Return a fitted estimator that keeps no folder of this machine."""
    from mmgraph import MultimodalGraphClassifier, MultimodalGraphRegressor

    regression = problem.task == "regression"
    kind = MultimodalGraphRegressor if regression else MultimodalGraphClassifier
    estimator = kind([reading.prepare(each) for each in problem.modalities], **options)
    estimator.fit(problem.frame, problem.truth, groups=problem.groups)
    estimator.modalities = [reading.forget(each) for each in estimator.modalities]
    estimator.modalities_ = [reading.forget(each) for each in estimator.modalities_]
    return estimator


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
