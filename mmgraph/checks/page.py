"""A check as one page, which needs nothing but a browser and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html

from mmgraph.checks.finding import TITLES, Finding
from mmgraph.checks.record import CheckRecord
from mmgraph.data.cells import modality_cells
from mmgraph.errors import printable
from mmgraph.explain.thumbnails import SMALL_SIDE, to_data_uri
from mmgraph.modalities.base import Modality
from mmgraph.system.shown import shorten_line

#: Findings of a kind, and rows of a finding, that are shown.
_MOST_FINDINGS, _MOST_ROWS = 100, 4
#: Characters of a text that are shown.
_MOST_LETTERS = 160

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
li { margin: .7rem 0; }
.error::marker { color: #d55e00; }
.severity { font-weight: 600; }
.rows { display: flex; flex-wrap: wrap; gap: .8rem; margin: .3rem 0; }
.row { max-width: 16rem; font-size: .9rem; overflow-wrap: anywhere; }
.row img { display: block; max-width: 112px; border: 1px solid #8888; }
"""


def make_page(found: CheckRecord) -> str:
    """Return the page: a section for each kind of finding, each row with picture and text."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style}'"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>mmgraph: check</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>{_text(found.headline)}</h1>",
        *(_section(found, kind, title) for kind, title in TITLES.items() if found.of(kind)),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _section(found: CheckRecord, kind: str, title: str) -> str:
    every = [each for each in found.findings if each.kind == kind]
    items = [_item(found, each) for each in every[:_MOST_FINDINGS]]
    more = len(every) - len(items)
    rest = f"<p>and {more} more, which the table has</p>" if more else ""
    return f"<section><h2>{title} ({len(every)})</h2><ul>{''.join(items)}</ul>{rest}</section>"


def _item(found: CheckRecord, finding: Finding) -> str:
    column = "" if finding.column is None else f"column <b>{_text(finding.column)}</b>: "
    shown = finding.rows[:_MOST_ROWS] if finding.kind != "missing" else ()
    rows = "".join(_row(found, row) for row in shown)
    more = len(finding.rows) - len(shown)
    rest = f"<div>and {more} more rows</div>" if more and shown else ""
    return (
        f'<li class="{finding.severity}"><span class="severity">{finding.severity}</span>: '
        f'{column}{_text(finding.message)}<div class="rows">{rows}{rest}</div></li>'
    )


def _row(found: CheckRecord, row: int) -> str:
    """Return what a row is called, its label, split, first picture and text."""
    table = found.frame.iloc[[row]]
    split = "" if found.split is None else f", {_text(table[found.split].iloc[0])}"
    said = [f"row {_text(found.named(row))}: {_text(table[found.label].iloc[0])}{split}"]
    for modality in found.modalities:
        if not modality.by_column:
            said += [_value(modality, raw) for raw in modality_cells(modality, table)[0][:1]]
    lines = "".join(f"<div>{each}</div>" for each in said if each)
    return f'<div class="row">{lines}</div>'


def _value(modality: Modality, raw: object) -> str:
    """Return a picture or a text; nothing where it cannot be read."""
    try:
        picture = modality.picture(raw)
        if picture is not None:
            return f'<img alt="" src="{to_data_uri(picture, SMALL_SIDE)}">'
        text = modality.text(raw)
    except (ValueError, OSError):
        return ""
    return "" if text is None else _text(shorten_line(text, _MOST_LETTERS))


def _text(value: object) -> str:
    return html.escape(printable(shorten_line(value, 1000)))
