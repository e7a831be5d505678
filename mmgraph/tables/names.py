"""What a table calls its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    pass


def row_name(index: Any, row: int) -> str:
    """Return what a table calls a row, as messages show it."""
    label = index[row]
    return repr(label.item() if isinstance(label, np.generic) else label)
