"""One page that shows explanations, in one file: a table of samples, each a key away."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from mmgraph.errors import DataError
from mmgraph.explain.packing import pack
from mmgraph.explain.record import ExplanationRecord
from mmgraph.system.atomic import written_at_once

#: Parts of the page's script, in their order.
_SCRIPTS = ("common", "state", "table", "confusion", "map", "sample", "inputs", "attention", "keys")


def to_html(
    explanations: ExplanationRecord | Sequence[ExplanationRecord], path: str | Path
) -> None:
    """Write a page that shows explanations and needs nothing but a browser.

    Explanations of one row, by several methods or of several classes, are put together. Pictures
    are thumbnails, and weights of edges are rounded to 256 steps; of very many rows the page has
    the weights of wrong and confident predictions alone.

    Args:
        explanations: One, or several.
        path: The file to write.

    Raises:
        DataError: There are none, or one has more than 65,536 nodes.
    """
    with written_at_once(Path(path)) as draft:
        draft.write_text(make_page(explanations), "utf-8", errors="backslashreplace")


def make_page(explanations: ExplanationRecord | Sequence[ExplanationRecord]) -> str:
    """Return the page that `to_html` writes.

    Raises:
        DataError: There are none, or one has more than 65,536 nodes.
    """
    if isinstance(explanations, ExplanationRecord):
        explanations = [explanations]
    if not explanations:
        raise DataError("expected one explanation or more for a page, got none")
    template, style = _read("page.html"), _read("page.css")
    script = "\n".join(_read(f"{name}.js") for name in _SCRIPTS)
    data = json.dumps(
        pack(explanations), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    # Texts come from anywhere: without "<" none can end the element or begin another one. The
    # page's policy also lets no script run but its own.
    data = data.replace("<", r"\u003c")
    for mark, value in (
        ("{{style hash}}", _hash(style)),
        ("{{script hash}}", _hash(script)),
        ("{{style}}", style),
        ("{{script}}", script),
        ("{{data}}", data),
    ):
        template = template.replace(mark, value, 1)
    return template


def make_frame(explanations: ExplanationRecord | Sequence[ExplanationRecord]) -> str:
    """Return the page within an element that a notebook can show."""
    page = html.escape(make_page(explanations), quote=True)
    return (
        f'<iframe srcdoc="{page}" sandbox="allow-scripts allow-downloads" title="explanations" '
        'style="width: 100%; height: 720px; border: 0"></iframe>'
    )


def _read(name: str) -> str:
    return files("mmgraph.explain").joinpath("explorer", name).read_text("utf-8")


def _hash(code: str) -> str:
    """Return the hash by which the page's policy knows its own code."""
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
