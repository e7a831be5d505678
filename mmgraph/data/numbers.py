"""Numbers to predict, in double precision."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mmgraph.data.targets import LARGEST
from mmgraph.errors import DataError
from mmgraph.tables.missing import is_null
from mmgraph.tables.names import row_name


def encode_numbers(numbers: Any, index: Any) -> Float[Tensor, "rows outputs"]:
    """Return the numbers to predict in double precision, one column for each.

    Args:
        numbers: One number for each row, or a table of several.
        index: Names of the rows, for messages.

    Raises:
        DataError: A value is missing, infinite, too large or not a number; or whole numbers are
            so large that they would be rounded.

    Example:
        >>> encode_numbers([1, 2.5], range(2)).tolist()
        [[1.0], [2.5]]
    """
    table = _read_table(numbers)
    values = _to_double(table)
    if values is None:
        kinds = sorted({type(value).__name__ for value in table.ravel().tolist()} - {"NoneType"})
        raise DataError(
            f"y: expected numbers, got {', '.join(kinds)}; convert them (dates to days, say), or "
            "use MultimodalGraphClassifier for classes"
        )
    wrong = np.flatnonzero(~np.isfinite(values).all(1))
    if len(wrong):
        rows = ", ".join(row_name(index, int(row)) for row in wrong[:5])
        raise DataError(
            f"row {rows}: expected a number to predict, got a missing or infinite one "
            f"({len(wrong)} of {len(values)} rows); leave these rows out"
        )
    large = np.flatnonzero((np.abs(values) > LARGEST).any(1))
    if len(large):
        raise DataError(
            f"row {row_name(index, int(large[0]))}: expected a number to predict of at most "
            f"{LARGEST:g}, got {values[large[0]].tolist()} ({len(large)} of {len(values)} rows); "
            "divide all of them, or predict their logarithms"
        )
    _check_rounding(table, values)
    return torch.from_numpy(values)


def _read_table(numbers: Any) -> Shaped[np.ndarray, "rows outputs"]:
    """Return numbers as they are, in columns."""
    try:
        table = np.asarray(numbers)
    except ValueError:
        raise DataError(
            "y: expected as many numbers in each row, got rows of several lengths; fill them up"
        ) from None
    if table.ndim not in (1, 2) or not table.size:
        raise DataError(
            "y: expected a number for each row, or a table of several, got an array of shape "
            f"{table.shape}; choose one or several of its columns"
        )
    return table[:, None] if table.ndim == 1 else table


def _to_double(table: Shaped[np.ndarray, "rows outputs"]) -> Float[np.ndarray, "*shape"] | None:
    """Return numbers in double precision, missing ones as NaN; None where some are no numbers."""
    if table.dtype.kind in "cmM":  # neither complex numbers nor dates
        return None
    if table.dtype.kind == "O":
        flat = [np.nan if is_null(value) else value for value in table.ravel().tolist()]
        if any(isinstance(value, date | timedelta | complex) for value in flat):
            return None
        table = np.array([*flat, None], dtype=object)[:-1].reshape(table.shape)
    try:
        return table.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def _check_rounding(
    table: Shaped[np.ndarray, "rows outputs"], values: Float[np.ndarray, "rows outputs"]
) -> None:
    """Refuse whole numbers that lie closer together than double precision tells them apart."""
    step = np.spacing(np.abs(values).max(0))
    spread = values.max(0) - values.min(0)
    for column in np.flatnonzero((step > 1) & (spread < 1e4 * step)):
        exact = [value for value in table[:, column].tolist() if isinstance(value, int)]
        if len(set(exact)) > len(set(values[:, column].tolist())):
            least = min(exact)
            raise DataError(
                f"y: expected numbers that double precision tells apart, got {least} to "
                f"{max(exact)}; subtract {least} from all of them"
            )
