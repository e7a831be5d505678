"""Values of key columns as texts that are equal where the keys are."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from mmgraph.data.cells import read_cells

if TYPE_CHECKING:
    import pandas as pd

_REMEDY = "links read it; name one of these in the link, or add the column to the table"


def key_of(value: Any) -> str:
    """Return a key as text; whole numbers look the same whatever their type.

    A column of whole numbers that lacks some holds fractions in pandas.

    Example:
        >>> key_of(3), key_of(3.0), key_of("3"), key_of(2.5), key_of("a b")
        ('3', '3', '3', '2.5', 'a b')
    """
    if isinstance(value, Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, Real) and not isinstance(value, bool):
        number = float(value)
        return str(int(number)) if number.is_integer() else repr(number)
    return str(value)


def read_keys(frame: pd.DataFrame, columns: Sequence[str]) -> dict[str, list[list[str]]]:
    """Return the keys of each row by column; cells may hold lists, and be missing.

    Raises:
        DataError: A column is not in the table.
    """
    return {
        column: [
            [key_of(value) for value in cell]
            for cell in read_cells(frame, [column], remedy=_REMEDY)
        ]
        for column in dict.fromkeys(columns)
    }
