"""`mmgraph predict`: from a model and a table to a table of predictions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from mmgraph.cli.files import check_output
from mmgraph.cli.options import (
    ROWS,
    Model,
    Overwrite,
    Rows,
    Separator,
    Unreadable,
    option,
    output_option,
)
from mmgraph.cli.report import Report, table
from mmgraph.system.atomic import written_at_once
from mmgraph.tables.text_files import SUFFIXES


def predict(
    model: Model,
    rows: Rows,
    output: Annotated[
        Path,
        output_option("FILE", "The table to write: .csv, .tsv, .jsonl or .parquet."),
    ],
    report: Report,
    identity: Annotated[
        str | None,
        option(
            "--id",
            metavar="COLUMN",
            panel=ROWS,
            help="Column that names a row in the output.",
            default="its place, from 0",
        ),
    ] = None,
    label_separator: Separator = "|",
    unreadable: Unreadable = None,
    overwrite: Overwrite = False,
) -> None:
    """Write the predictions of a model for every row of a table.

    The table is read and the predictions are written part by part, so that tables may be larger
    than memory. The file is there when it is complete, and not before.
    """
    from mmgraph.cli.models import load_model, predicted
    from mmgraph.cli.predictions import open_writer, prediction_columns
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import Selection

    check_output(output, overwrite=overwrite, suffixes=SUFFIXES)
    start = time.perf_counter()
    selection = Selection(rows)
    with report.messages(), opened(rows) as source:
        fitted = load_model(model, unreadable).fitted_
        with (
            written_at_once(output) as draft,
            open_writer(draft, separator=label_separator) as writer,
        ):
            for part, outputs in predicted(fitted, source, selection, report):
                writer.write(prediction_columns(fitted, part, outputs, identity=identity))
    seconds = time.perf_counter() - start
    result = {"output": str(output), "rows": selection.chosen, "seconds": round(seconds, 1)}
    lines = [("output", output), ("rows", f"{selection.chosen:,}"), ("seconds", f"{seconds:.0f}")]
    report.summary(result, table("Predicted", lines))
