"""`mmgraph explain`: which regions, words, sounds and columns a prediction rests on."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmgraph.cli.files import check_output
from mmgraph.cli.options import (
    OUTPUT,
    ROWS,
    Labels,
    Model,
    Overwrite,
    Rows,
    Separator,
    option,
    output_option,
)
from mmgraph.cli.report import Report, table
from mmgraph.cli.terminal import shown as shown_text
from mmgraph.system.atomic import written_at_once

if TYPE_CHECKING:
    from mmgraph.explain import Explanation

#: Words, areas and columns of a row that are shown, those with the largest scores.
_MOST_PARTS = 10

#: Rows that a terminal shows; files and --json have all.
_MOST_ROWS = 5


def explain(
    model: Model,
    rows: Rows,
    report: Report,
    output: Annotated[
        Path | None,
        output_option(
            "FILE",
            "A page to write (.html), or all that is known (.json).",
            default="tables are shown",
        ),
    ] = None,
    row: Annotated[
        list[int] | None,
        option(
            min=0,
            panel=ROWS,
            help="Place of a row to explain, from 0.",
            default="the first that --split chooses",
        ),
    ] = None,
    count: Annotated[
        int | None,
        option("--rows", min=1, panel=ROWS, help="Explain the first so many rows.", default="1"),
    ] = None,
    every: Annotated[bool, option("--all", panel=ROWS, help="Explain all rows.")] = False,
    wrong: Annotated[
        bool,
        option(
            "--wrong",
            panel=ROWS,
            help="Explain rows that the model gets wrong, all of them without --rows.",
        ),
    ] = False,
    label: Labels = None,
    label_separator: Separator = "|",
    method: Annotated[
        str | None,
        option(
            metavar="NAME",
            panel=OUTPUT,
            help="Method, by its name in mmgraph.explain.",
            default="integrated_gradients",
        ),
    ] = None,
    target: Annotated[
        str | None,
        option(
            metavar="CLASS",
            panel=OUTPUT,
            help="Class or label to explain.",
            default="the most probable one",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Show how much every region, word, sound or column mattered for the prediction of a row."""
    from mmgraph.cli.models import first_rows, load_model, take_rows, wrong_rows
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import Selection
    from mmgraph.cli.targets import label_columns

    if sum([bool(row), wrong, every]) > 1 or (count is not None and (row or every)):
        raise typer.BadParameter("choose rows by --row, by --rows and --wrong, or by --all")
    if output is not None:
        check_output(output, overwrite=overwrite, suffixes=(".html", ".json"))
    with report.messages(), opened(rows) as source:
        estimator = load_model(model)
        if row:
            frame = take_rows(source, row)
        elif wrong:
            names = label_columns(label, source, estimator.fitted_.facts.get("label"))
            separator = label_separator if estimator.fitted_.task.has_sets else None
            frame = wrong_rows(
                estimator.fitted_, source, Selection(rows), report, names, separator, count
            )
        else:
            most = sys.maxsize if every else count or 1
            frame = first_rows(source, Selection(rows), most)
        options = {} if method is None else {"method": method}
        known = label[0] if label and len(label) == 1 and label[0] in frame.columns else None
        found = estimator.explain(
            frame, target=_read_target(estimator, target), truth=known, **options
        )
        if output is not None:
            _write(found, output)
    if output is not None and not report.as_json:
        report.say(f"wrote {output}")
        return
    # Pictures would fill the screen of a script.
    result = [each.to_json(pictures=False) for each in found]
    shown = [page for each in found[:_MOST_ROWS] for page in _pages(each)]
    if len(found) > _MOST_ROWS:
        shown.append(shown_text(f"and {len(found) - _MOST_ROWS} more rows"))
    report.show({"explanations": result}, *shown)


def _read_target(estimator: Any, target: str | None) -> Any:
    """Return the class that is written so; where none is, what was given, to be refused."""
    outputs = estimator.fitted_.output_names
    known = {str(each): each for each in outputs}
    return known.get(str(target), target)


def _write(explanations: list[Explanation], path: Path) -> None:
    from mmgraph.explain import to_html

    with written_at_once(path) as draft:
        if path.suffix.lower() == ".html":
            to_html(explanations, draft)
        else:
            described = [each.to_json() for each in explanations]
            draft.write_text(
                json.dumps(described, ensure_ascii=False), "utf-8", errors="backslashreplace"
            )


def _pages(explanation: Explanation) -> Iterator[Any]:
    """Yield the tables of nodes, of the model's parts, and of the training rows that voted."""
    from mmgraph.explain.whole import whole_parts
    from mmgraph.explain.wording import headline

    strongest = whole_parts(explanation)[:_MOST_PARTS]
    lines = [(each.modality, each.label, f"{each.score:+.4f}") for each in strongest]
    yield table(headline(explanation), lines, head=("input", "part", "score"))
    sums = [(name, f"{value:+.4f}") for name, value in explanation.modality_scores.items()]
    yield table("sums of the modalities", sums, head=("modality", "score"))
    parts = [(part, f"{value:+.4f}") for part, value in explanation.parts.items()]
    if len(parts) > 1:
        yield table("parts of the model", parts, head=("part", "logit"))
    rows = [
        (each.row, each.said, f"{each.share:.1%}", f"{each.influence:+.4f}")
        for each in explanation.deciding
    ]
    if rows:
        name = explanation.outputs[explanation.target]
        title = f"{name}, because of these training rows of {len(explanation.neighbours)} that vote"
        yield table(title, rows, head=("row", "label", "share", "logit"))
