"""Targets, groups and weights of rows, in the forms that tables and arrays come in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from mmgraph.errors import DataError


def read_values(values: Any, what: str) -> Any:
    """Return values of rows in a form that NumPy reads: torch's, Arrow's and polars' are turned.

    Args:
        values: One value a row, or a table; what is no such array is handed back as it is.
        what: Name of the argument, for messages.

    Raises:
        DataError: The values have no order.
    """
    import pandas as pd

    if isinstance(values, AbstractSet | Mapping):
        raise DataError(
            f"{what}: expected values in the order of the rows, got a {type(values).__name__}; "
            "pass a list"
        )
    if isinstance(values, pd.MultiIndex):
        raise DataError(
            f"{what}: expected one value for each row, got an index of {values.nlevels} levels; "
            "choose one: .get_level_values(0)"
        )
    if isinstance(values, np.ma.MaskedArray):  # what is masked is missing
        if not np.ma.is_masked(values):
            return values.data
        known = values.data.astype(object)
        known[np.ma.getmaskarray(values)] = None
        return known
    kind = type(values).__module__.partition(".")[0]
    if kind == "torch":
        values = values.detach().cpu()
        # NumPy has no such type.
        return (values.float() if "bfloat16" in str(values.dtype) else values).numpy()
    if kind == "scipy" and hasattr(values, "toarray"):
        return values.toarray()
    if kind == "pyarrow" and hasattr(values, "column_names"):
        return pd.DataFrame({name: values[name].to_pylist() for name in values.column_names})
    if kind == "datasets" and hasattr(values, "column_names"):
        return pd.DataFrame({name: list(values[name]) for name in values.column_names})
    if isinstance(values, Iterator | ValuesView):
        return list(values)
    if kind == "pyarrow":
        return pd.Series(values.to_pylist())
    if kind == "polars" and hasattr(values, "collect"):
        values = values.collect()
    if kind == "polars" and hasattr(values, "columns"):
        return pd.DataFrame({name: values[name].to_list() for name in values.columns})
    if kind == "polars":
        return pd.Series(values.to_list(), name=values.name)
    return values
