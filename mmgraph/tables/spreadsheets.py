"""Cells that spreadsheets show as they are, and take for no formula."""

from __future__ import annotations

from typing import Any

#: What formulas begin with, in the wide forms of East Asian keyboards too.
_FORMULA = ("=", "+", "-", "@", "|", "%", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def as_text(value: Any) -> Any:
    """Return what a cell is written as, so that no spreadsheet takes a text for a formula.

    Example:
        >>> as_text("=1+1"), as_text("-1.5"), as_text(-1.5), as_text("a=b")
        ("'=1+1", '-1.5', -1.5, 'a=b')
    """
    if not isinstance(value, str):
        return value
    # A return alone would begin another row, for it is not put between quotes.
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    if not value.lstrip().startswith(_FORMULA):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value
