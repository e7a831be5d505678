"""`mmgraph inspect`: what is in a table, a data set or a saved model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markdown import Markdown

from mmgraph.cli.options import INPUTS, Rows, option
from mmgraph.cli.report import Report, table

if TYPE_CHECKING:
    import pandas as pd

#: Characters of an example, and values of which the rows are counted.
_WIDE, _MOST_VALUES = 40, 30


def inspect(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PATH",
            help="A table, a data set (NAME or NAME:FOLDER), or a saved model.",
            show_default=False,
        ),
    ],
    report: Report,
    label: Annotated[
        str | None,
        option(metavar="COLUMN", panel=INPUTS, help="What is to be predicted from the table."),
    ] = None,
) -> None:
    """Show what is in a table, and as what its columns would be read; or what a model is."""
    with report.messages():
        if _is_model(Path(what)):
            _show_model(report, Path(what))
        else:
            _show_table(report, what, label)


def _is_model(path: Path) -> bool:
    from mmgraph.saving.archive import SUFFIX

    return path.is_dir() or path.suffix == SUFFIX


def _show_model(report: Report, path: Path) -> None:
    from mmgraph.estimator import load
    from mmgraph.saving.card import write_card

    estimator = load(path)
    result = {
        "model": str(path),
        "estimator": type(estimator).__name__,
        "inputs": {
            each.node_type: {"type": type(each).__name__, "columns": each.column_list}
            for each in estimator.modalities_
        },
        "parameters": sum(each.numel() for each in estimator.model_.parameters()),
        "facts": estimator.facts_,
    }
    if hasattr(estimator, "classes_"):
        result["classes"] = estimator.classes_.tolist()
    page = write_card(estimator.fitted_, type(estimator).__name__, estimator.get_params(deep=False))
    report.show(result, Markdown(page))


def _show_table(report: Report, what: str, label: str | None) -> None:
    from mmgraph.cli.sources import opened

    with opened(Rows(what)) as source:
        frame = source.read()
    facts: dict[str, Any] = {"rows": len(frame)}
    if source.dataset is not None:
        label = label or source.dataset.label
        facts |= {"task": source.dataset.task, "licence": source.dataset.licence}
    columns = [_column(frame, name, label) for name in frame.columns]
    counted = [name for name in (label, "split") if name in frame.columns]
    counts = {str(name): _counts(frame, name) for name in counted}
    lines = [[_short(cell) for cell in each.values()] for each in columns]
    pages = [table(f"{what}: {len(frame):,} rows", lines, head=list(columns[0]))]
    for name, found in counts.items():
        most = list(found.items())[:_MOST_VALUES]
        more = [("...", f"{len(found) - len(most)} more")] if len(found) > len(most) else []
        pages.append(table(name, [*most, *more], head=(name, "rows")))
    report.show(facts | {"columns": columns, "counts": counts}, *pages)


def _column(frame: pd.DataFrame, name: str, label: str | None) -> dict[str, Any]:
    from mmgraph.data.infer import find_modality
    from mmgraph.tables.missing import is_missing

    values = frame[name].tolist()
    there = [value for value in values if not is_missing(value)]
    truth = frame[label] if label in frame.columns else None
    return {
        "column": str(name),
        "read as": _role(name, label) or _named(*find_modality(name, frame, truth)),
        "missing": len(values) - len(there),
        "different": len({repr(value) for value in there}),
        "example": str(there[0]) if there else "",
    }


def _role(name: str, label: str | None) -> str:
    """Say what a column is for, where it is no input."""
    return {label: "the label", "split": "the split"}.get(name, "")


def _named(kind: type | None, reason: str) -> str:
    return f"nothing: {reason or 'of no known kind'}" if kind is None else kind.__name__


def _counts(frame: pd.DataFrame, name: Any) -> dict[str, int]:
    """Return how many rows have each value, the most common first."""
    counted = frame[name].map(str).value_counts()
    return dict(zip(counted.index.tolist(), counted.tolist(), strict=True))


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"
