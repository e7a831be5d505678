"""`mmgraph explain`: which regions, words, sounds and columns a prediction rests on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from mmgraph.cli.files import check_output, written_at_once
from mmgraph.cli.options import OUTPUT, ROWS, Model, Overwrite, Rows, option, output_option
from mmgraph.cli.report import Report, table

#: Nodes of a row that are shown, those with the largest scores.
_MOST_NODES = 10


def explain(
    model: Model,
    rows: Rows,
    report: Report,
    output: Annotated[
        Path | None,
        output_option(
            "FILE", "A page to write (.html), or the explanations (.json).", "a table is shown"
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
    method: Annotated[
        str | None,
        option(
            metavar="NAME",
            panel=OUTPUT,
            help="Method, by its name in mmgraph.explain.",
            default="mmgraph's own choice",
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
    from mmgraph.cli.models import first_rows, load_model, take_rows
    from mmgraph.cli.sources import opened
    from mmgraph.cli.splits import Selection

    if output is not None:
        check_output(output, overwrite=overwrite, suffixes=(".html", ".json"))
    with report.messages(), opened(rows) as source:
        estimator = load_model(model)
        frame = take_rows(source, row) if row else first_rows(source, Selection(rows), 1)
        options = {} if method is None else {"method": method}
        found = estimator.explain(frame, target=_read_target(estimator, target), **options)
        if output is not None:
            _write(found, output)
    # Pictures would fill the screen of a script.
    result = [each.to_json(pictures=False) for each in found]
    report.show({"explanations": result}, *map(_page, found))


def _read_target(estimator: Any, target: str | None) -> Any:
    """Return the class that is written so; where none is, what was given, which will be refused."""
    classes = getattr(estimator, "classes_", range(estimator.model_.task.outputs))
    known = {str(each): each for each in getattr(classes, "tolist", lambda: classes)()}
    return known.get(str(target), target)


def _write(explanations: list[Any], path: Path) -> None:
    with written_at_once(path) as draft:
        if path.suffix.lower() == ".json":
            text = json.dumps([each.to_json() for each in explanations], ensure_ascii=False)
            draft.write_text(text, "utf-8")
        else:
            from mmgraph.explain.html import to_html  # type: ignore

            to_html(explanations, draft)


def _page(explanation: Any) -> Any:
    strongest = sorted(explanation.nodes, key=lambda node: -abs(node.score))[:_MOST_NODES]
    lines = [(each.modality, each.place.label, f"{each.score:+.4f}") for each in strongest]
    name = explanation.outputs[explanation.target]
    title = f"row {explanation.row}: {name}, by {explanation.method}"
    return table(title, lines, head=("input", "part", "score"))
