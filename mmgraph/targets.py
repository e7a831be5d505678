"""Labels and groups: checked, and turned into indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.data import row_name
from mmgraph.errors import DataError


def encode_classes(labels: Any, index: Any) -> tuple[np.ndarray, Int[Tensor, "rows"]]:
    """Return the sorted classes and the class index of each row.

    Args:
        labels: One label a row: strings, integers or booleans; whole floats are taken as they are.
        index: Names of the rows, for messages.

    Raises:
        DataError: A label is missing or is a fraction, there is only one class, or labels of
            several types are mixed.

    Example:
        >>> encode_classes(["no", "yes", "no"], range(3))
        (array(['no', 'yes'], dtype='<U3'), tensor([0, 1, 0]))
    """
    values = _read_column(labels, index, "y", "label")
    kinds = sorted({type(value).__name__ for value in values})
    if not set(kinds) <= {"str", "int", "bool", "float"}:
        raise DataError(
            f"y: expected strings, integers or booleans, got {', '.join(kinds)}; use .astype(str)"
        )
    if len(kinds) > 1 and kinds != ["float", "int"]:
        raise DataError(
            f"y: expected labels of one type, got {' and '.join(kinds)}; use .astype(str)"
        )
    for row, value in enumerate(values):
        if isinstance(value, float) and not value.is_integer():
            raise DataError(
                f"y: expected classes, got fractions such as {value} in row "
                f"{row_name(index, row)}; make classes with pandas.cut, or use .astype(str)"
            )
    classes, codes = np.unique(np.array(values), return_inverse=True)
    if len(classes) < 2:
        raise DataError(
            f"y: expected at least two classes, got only {classes.tolist()[0]!r}; add rows of "
            "another class"
        )
    return classes, torch.from_numpy(codes.astype(np.int64))


def encode_groups(groups: Any, index: Any) -> Int[np.ndarray, "rows"]:
    """Return the number of each row's group.

    Args:
        groups: One value a row: strings, numbers or anything else that can be compared.
        index: Names of the rows, for messages.

    Raises:
        DataError: A group is missing.
    """
    import pandas as pd

    values = pd.Series(_read_column(groups, index, "groups", "group"), dtype=object)
    return pd.factorize(values, sort=True)[0].astype(np.int64)


def _read_column(values: Any, index: Any, argument: str, what: str) -> list[Any]:
    import pandas as pd

    if getattr(values, "ndim", 1) != 1:
        raise DataError(
            f"{argument}: expected one {what} for each row, got a table of shape "
            f"{tuple(values.shape)}; choose one of its columns"
        )
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    plain = [value.item() if isinstance(value, np.generic) else value for value in plain]
    missing = np.flatnonzero(pd.Series(plain, dtype=object).isna().to_numpy())
    if len(missing):
        rows = ", ".join(row_name(index, int(row)) for row in missing[:5])
        raise DataError(
            f"row {rows}: expected a {what}, got a missing value ({len(missing)} of {len(plain)} "
            f"rows); leave these rows out: frame[frame[{what}].notna()]"
        )
    return plain
