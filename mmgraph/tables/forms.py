"""Rows in the forms that other software hands over: Arrow, polars, dicts and Series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.errors import DataError, reason
from mmgraph.tables.base import to_frame

if TYPE_CHECKING:
    import pandas as pd

_MANY = (list, tuple, np.ndarray)


def as_frame(data: Any) -> pd.DataFrame | None:
    """Return rows as a DataFrame; None where they are in no form that is known here.

    A mapping holds columns where all its values are lists or arrays, else it is one row; a list
    of mappings holds rows; a Series is a column where its name is a string, else a row.

    Raises:
        DataError: Columns of a mapping have several lengths.

    Example:
        >>> as_frame({"text": "a", "n": 1}).shape, as_frame([{"text": "a"}, {"text": "b"}]).shape
        ((1, 2), (2, 1))
    """
    import pandas as pd

    home = type(data).__module__.partition(".")[0]
    if home == "pyarrow" and hasattr(data, "column_names"):
        return to_frame(data)
    if home == "polars":
        table = data.collect() if hasattr(data, "collect") else data
        columns = table.columns if hasattr(table, "columns") else [table.name]
        table = table if hasattr(table, "columns") else table.to_frame()
        return pd.DataFrame({name: table[name].to_list() for name in columns})
    if isinstance(data, pd.Series):
        row = not isinstance(data.name, str) and all(isinstance(name, str) for name in data.index)
        return pd.DataFrame([data]) if row else data.to_frame()
    if isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return pd.DataFrame(data)
    return _of_mapping(data) if isinstance(data, Mapping) else None


def _of_mapping(data: Mapping[Any, Any]) -> pd.DataFrame:
    import pandas as pd

    if data and not all(
        isinstance(value, _MANY) or hasattr(value, "dtype") for value in data.values()
    ):
        return pd.DataFrame([dict(data)])
    try:
        return pd.DataFrame(data)
    except ValueError as error:
        raise DataError(
            f"expected lists of the same length, got a mapping with other ones "
            f"({reason(error)}); pass one list for each column"
        ) from error
