"""`mmgraph check`: what is wrong with a table before anything is learnt from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mmgraph.cli.files import check_output
from mmgraph.cli.options import Inputs, Overwrite, Rows, output_option
from mmgraph.cli.report import Report, table

#: Findings of a kind that are shown; files have all.
_MOST_FINDINGS = 10

#: What a process ends with where scores would be wrong.
FOUND = 3


def check(
    rows: Rows,
    inputs: Inputs,
    report: Report,
    output: Annotated[
        Path | None,
        output_option(
            "FILE",
            "A page (.html) or a table (.csv) of all findings to write.",
            default="the first findings are shown alone",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Look for broken values, leaks, duplicates and false labels in a table.

    The command ends with 3 where it finds errors: values that cannot be read, columns that give
    the label away, or the same rows in several splits.
    """
    from mmgraph.checks import check as run
    from mmgraph.cli.inputs import read_modalities
    from mmgraph.cli.sources import opened
    from mmgraph.cli.targets import label_columns

    if output is not None:
        check_output(output, overwrite=overwrite, suffixes=(".html", ".csv"))
    with report.messages(), opened(rows) as source:
        [label, *more] = label_columns(inputs.label, source)
        if more:
            raise typer.BadParameter("check takes one --label")
        dataset = source.dataset
        found = run(
            source.read(),
            label,
            groups=inputs.group or (dataset.groups if dataset is not None else None),
            split=rows.split_column,
            modalities=read_modalities(source, inputs),
            task=inputs.task,
        )
        if output is not None:
            write = found.to_html if output.suffix.lower() == ".html" else found.to_csv
            write(output)
    lines = []
    for kind in dict.fromkeys(each.kind for each in found.findings):
        every = found.of(kind)
        lines += [(kind, found.describe(each)) for each in every[:_MOST_FINDINGS]]
        if len(every) > _MOST_FINDINGS:
            lines.append((kind, f"and {len(every) - _MOST_FINDINGS} more"))
    report.show(found.to_dict(), table(found.headline, lines, head=("kind", "finding")))
    if found.errors:
        raise typer.Exit(FOUND)
