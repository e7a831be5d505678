"""Which values of a cell count as missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    pass


def is_missing(value: Any) -> bool:
    """Say whether a raw value stands for nothing: None, NaN, NaT, "" or blanks, []."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list | tuple | bytes):
        return len(value) == 0
    if isinstance(value, np.ndarray):
        return value.size == 0
    return is_null(value)


def is_null(value: Any) -> bool:
    """Say whether a value is None, NaN, NaT or pandas.NA.

    pandas.isna fails on a signalling NaN of decimal.
    """
    if value is None:
        return True
    try:
        return bool(value != value)  # NaN, NaT
    except (TypeError, ValueError, RuntimeError):  # pandas.NA, tensors
        return type(value).__name__ == "NAType"
    except ArithmeticError:  # a signalling NaN of decimal
        return True
