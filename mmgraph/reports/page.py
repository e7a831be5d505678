"""A report as one page, which needs nothing but a browser and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import html
import io
from typing import TYPE_CHECKING

from mmgraph.errors import printable
from mmgraph.reports.pictures import plot_report
from mmgraph.system.shown import paragraphs

if TYPE_CHECKING:
    import pandas as pd

    from mmgraph.reports.record import ReportRecord

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
.frame { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere; max-width: 20rem; }
img { max-width: 100%; background: white; }
"""


def make_page(report: ReportRecord) -> str:
    """Return the page: sentences, picture, and a table for each part."""
    style = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{style}'"
    tables = {
        "Metrics, with 95% intervals": report.metrics,
        "Baselines, on the same rows": report.baselines,
        "Classes": report.classes,
        "Slices, the worst first": report.slices,
    }
    if report.calibration is not None:
        tables["Calibration"] = report.calibration
    if report.confusion is not None:
        tables["Confusion: true classes below each other"] = report.confusion.reset_index()
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>mmgraph: report</title><style>{_STYLE}</style></head><body><main>",
        f"<h1>Report</h1>{paragraphs(report.sentences)}",
        f'<img alt="confusion, calibration and slices" src="{_picture(report)}">',
        *(_section(title, table) for title, table in tables.items() if len(table)),
        "</main></body></html>",
    ]
    return "\n".join(parts)


def _picture(report: ReportRecord) -> str:
    file = io.BytesIO()
    plot_report(report).savefig(file, format="png", dpi=110)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _section(title: str, table: pd.DataFrame) -> str:
    """Return a table below its title, in a frame of its own where it is wider than the page."""
    frame = f'<div class="frame" role="region" aria-label="{title}" tabindex="0">'
    return f"<h2>{title}</h2>{frame}{_table(table)}</div>"


def _table(table: pd.DataFrame) -> str:
    head = "".join(f"<th>{_cell(name)}</th>" for name in table.columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{_cell(value)}</td>' for value in row)}</tr>"
        for row in table.itertuples(index=False)
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "-" if value != value else f"{value:.3f}"
    return html.escape(printable(value))
