"""`mmgraph export`: a fitted model as a program that runs without mmgraph's network code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from mmgraph.cli.files import check_output
from mmgraph.cli.options import OUTPUT, Model, Overwrite, Rows, option, output_option
from mmgraph.cli.report import Report, table

#: Rows on which the program must predict what the model does.
_EXAMPLES = 100


def export(
    model: Model,
    rows: Rows,
    output: Annotated[
        Path,
        output_option("FOLDER", "Folder to write the program and its preprocessing into."),
    ],
    report: Report,
    form: Annotated[
        Literal["torch", "onnx"],
        option("--format", panel=OUTPUT, help="A program of torch.export, or ONNX."),
    ] = "torch",
    overwrite: Overwrite = False,
) -> None:
    """Write a model as a program, checked on the first rows of a table."""
    from mmgraph.cli.models import first_rows, load_model
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import Selection

    check_output(output, overwrite=overwrite)
    with report.messages(), opened(rows) as source:
        estimator = load_model(model)
        example = first_rows(source, Selection(rows), _EXAMPLES)
        estimator.export(output, format=form, example=example, overwrite=overwrite)
    result = {"output": str(output), "format": form, "checked_rows": len(example)}
    lines = [("program", output), ("format", form), ("checked on", f"{len(example)} rows")]
    report.summary(result, table("Exported", lines))
