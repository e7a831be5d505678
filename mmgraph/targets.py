"""Labels: checked, and turned into class indices."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mmgraph.errors import DataError


def encode_classes(labels: Any, index: Any) -> tuple[np.ndarray, Int[Tensor, "rows"]]:
    """Return the sorted classes and the class index of each row.

    Args:
        labels: One label a row: strings, integers or booleans.
        index: Names of the rows, for messages.

    Raises:
        DataError: A label is missing or is a fraction, there is only one class, or labels of
            several types are mixed.
    """
    import pandas as pd
    from sklearn.utils.multiclass import type_of_target

    series = pd.Series(np.asarray(labels, dtype=object) if _is_2d(labels) is False else [])
    if _is_2d(labels):
        raise DataError("y: expected one label for each row, got a table of several columns")
    missing = np.flatnonzero(series.isna().to_numpy())
    if len(missing):
        rows = ", ".join(repr(index[row]) for row in missing[:5])
        raise DataError(
            f"row {rows}: expected a label, got a missing value ({len(missing)} of {len(series)} "
            "rows); leave these rows out: frame[frame[label].notna()]"
        )
    kinds = sorted({type(label).__name__ for label in series})
    try:
        classes, codes = np.unique(np.array(series.tolist()), return_inverse=True)
    except (TypeError, ValueError) as error:
        raise DataError(f"y: expected labels of one type, got {kinds}") from error
    if len({str(kind).replace("str_", "str") for kind in kinds} & {"str"}) and len(kinds) > 1:
        raise DataError(f"y: expected labels of one type, got {kinds}; use .astype(str)")
    if classes.dtype.kind == "f" and type_of_target(classes).startswith("continuous"):
        raise DataError(f"y: expected classes, got fractions such as {series.iloc[0]}")
    if len(classes) < 2:
        raise DataError(f"y: expected at least two classes, got only {classes.tolist()[0]!r}")
    return classes, torch.from_numpy(codes.astype(np.int64))


def _is_2d(labels: Any) -> bool:
    return getattr(labels, "ndim", 1) > 1
