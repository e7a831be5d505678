"""What a table calls its rows and columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from mmgraph.errors import quote


def row_name(index: Any, row: int) -> str:
    """Return what a table calls a row, as messages show it."""
    label = index[row]
    return quote(label.item() if isinstance(label, np.generic) else label)


def column_names(values: Any) -> list[Any]:
    """Return the names that columns of a table have kept; none where there are none.

    Example:
        >>> import pandas as pd
        >>> column_names(pd.Series([1], name="a")), column_names([1])
        (['a'], [])
    """
    if getattr(values, "ndim", 1) == 2:
        return list(getattr(values, "columns", []))
    name = getattr(values, "name", None)
    return [] if name is None else [name]


def is_writable(text: str) -> bool:
    """Say whether a name or a label can be written into any file: it is UTF-8, without NUL.

    Example:
        >>> is_writable("Zoë"), is_writable("a" + chr(0xD800)), is_writable("a" + chr(0))
        (True, False, False)
    """
    try:
        return b"\0" not in text.encode("utf-8")
    except UnicodeEncodeError:  # a lone surrogate
        return False
