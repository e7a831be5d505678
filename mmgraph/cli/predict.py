"""`mmgraph predict`: from a model and a table to a table of predictions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

from mmgraph.cli import options
from mmgraph.cli.options import OUTPUT, ROWS, option
from mmgraph.cli.report import Report, table


def predict(
    model: options.Model,
    data: options.Data,
    output: Annotated[
        Path,
        option(
            *("--output", "-o"),
            metavar="FILE",
            panel=OUTPUT,
            help="The table to write: .csv, .tsv, .jsonl or .parquet.",
            show_default=False,
        ),
    ],
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
    label_separator: options.Separator = "|",
    root: options.Root = None,
    unreadable: options.Unreadable = "raise",
    split_column: options.SplitColumn = None,
    split: options.Splits = None,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
    as_json: options.AsJson = False,
) -> None:
    """Write the predictions of a model for every row of a table.

    The table is read and the predictions are written part by part, so that tables may be larger
    than memory. The file is there when it is complete, and not before.
    """
    from mmgraph.cli.files import check_table_output, written_at_once
    from mmgraph.cli.inputs import Reading
    from mmgraph.cli.models import load_model, predicted
    from mmgraph.cli.predictions import open_writer, prediction_columns
    from mmgraph.cli.sources import open_source
    from mmgraph.cli.splits import Selection

    check_table_output(output, overwrite=overwrite)
    report = Report(quiet=quiet, as_json=as_json)
    start, count = time.perf_counter(), 0
    with report.warned():
        source = open_source(data, root)
        estimator = load_model(model, Reading(source.root, unreadable), report)
        selection = Selection(split_column, split or [], None)
        with (
            written_at_once(output) as draft,
            open_writer(draft, output.suffix.lower(), separator=label_separator) as writer,
        ):
            for rows, outputs in predicted(estimator, source, selection, report):
                writer.write(prediction_columns(estimator, rows, outputs, identity=identity))
                count += len(rows)
    seconds = time.perf_counter() - start
    result = {"output": str(output), "rows": count, "seconds": round(seconds, 1)}
    lines = [("output", output), ("rows", f"{count:,}"), ("seconds", f"{seconds:.0f}")]
    report.summary(result, table("Predicted", lines))
