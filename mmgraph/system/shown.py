"""How results show themselves: in about twenty lines of a terminal, and as HTML in notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

from mmgraph.errors import printable

#: Lines of a result, and characters of each.
MOST_LINES, MOST_CHARACTERS = 20, 160


def shorten_line(text: object, most: int = MOST_CHARACTERS) -> str:
    """Return a text as one line that is not long, in which nothing acts; it stays indented.

    Example:
        >>> shorten_line("a\\nred cat", 7)
        'a red …'
    """
    said = printable(text)
    line = said[: len(said) - len(said.lstrip(" "))] + " ".join(said.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def shorten_list(names: Iterable[object], most: int = 8) -> str:
    """Return names with commas between them, and how many more there are.

    Example:
        >>> shorten_list("abcd", 2)
        'a, b and 2 more'
    """
    every = [shorten_line(name, 40) for name in names]
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def table_lines(frame: Any, most: int) -> list[str]:
    """Return the first rows of a table as lines, its head included, at most so many."""
    if not len(frame):
        return []
    shown = frame.map(lambda value: shorten_line(value, 40) if isinstance(value, str) else value)
    fits = len(frame) < most
    text = (shown if fits else shown.head(max(most - 2, 1))).to_string(
        index=False, float_format="{:.4g}".format, na_rep="-"
    )
    lines = text.splitlines()
    return lines if fits else [*lines, f"({len(frame)} rows in all)"]


def table_html(frame: Any) -> str:
    """Return a table for notebooks, without the middle of a long one; cells cannot act."""
    return str(frame.to_html(index=False, max_rows=MOST_LINES, border=0, na_rep="-"))


def paragraphs(lines: Iterable[object]) -> str:
    """Return lines as paragraphs of HTML, in which nothing acts."""
    return "".join(f"<p>{html.escape(printable(line))}</p>" for line in lines)
