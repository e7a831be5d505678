"""Labels, numbers and groups: checked, and turned into tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.tables.missing import is_null
from mmgraph.tables.names import row_name

_COLLECTIONS = (set, frozenset, list, tuple, np.ndarray)


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
    _check_labels(values)
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


def is_multilabel(labels: Any) -> bool:
    """Say whether each row has a set of labels, or a row of an indicator matrix.

    Example:
        >>> is_multilabel([{"drama"}, set()]), is_multilabel(np.eye(3)), is_multilabel(["drama"])
        (True, True, False)
    """
    if getattr(labels, "ndim", 1) == 2:
        return True
    return any(isinstance(value, _COLLECTIONS) for value in labels)


def encode_labels(labels: Any, index: Any) -> tuple[np.ndarray, Float[Tensor, "rows labels"]]:
    """Return the labels and which of them each row has.

    Args:
        labels: A set, list or tuple of labels for each row, empty ones included; or a table
            of 0 and 1 with a column for each label.
        index: Names of the rows, for messages.

    Raises:
        DataError: A row is no set of labels, labels are of other or several types, or the table
            holds something else than 0 and 1.

    Example:
        >>> encode_labels([{"war", "drama"}, [], ("drama",)], range(3))
        (array(['drama', 'war'], dtype='<U5'), tensor([[1., 1.],
                [0., 0.],
                [1., 0.]]))
    """
    if getattr(labels, "ndim", 1) == 2:
        return _read_indicator(labels, index)
    rows = list(labels)
    for number, row in enumerate(rows):
        if not isinstance(row, _COLLECTIONS) or getattr(row, "ndim", 1) == 0:
            raise DataError(
                f"row {row_name(index, number)}: expected a set or list of labels, as in other "
                f"rows, got {row!r}; write [] for a row without labels"
            )
    # One row after the other: sets themselves have no order.
    flat = [(number, label) for number, row in enumerate(rows) for label in row]
    if not flat:
        raise DataError("y: expected sets of labels, got only empty ones; add rows with labels")
    owners = [index[number] for number, _ in flat]
    values = _read_column([label for _, label in flat], owners, "y", "label")
    _check_labels(values)
    classes, codes = np.unique(np.array(values), return_inverse=True)
    target = torch.zeros(len(rows), len(classes))
    target[[number for number, _ in flat], torch.from_numpy(codes)] = 1.0
    return classes, target


def indicator(labels: Any, classes: np.ndarray, index: Any) -> Int[np.ndarray, "rows labels"]:
    """Return which of known labels each row has; a row with an unknown one can match none.

    Args:
        labels: As in `encode_labels`.
        classes: The known labels.
        index: Names of the rows, for messages.
    """
    if getattr(labels, "ndim", 1) == 2:
        return _read_indicator(labels, index)[1].numpy().astype(np.int64)
    known = set(classes.tolist())
    table = np.array([[int(label in row) for label in classes] for row in labels])
    table[[not known.issuperset(row) for row in labels]] = -1
    return table


def _check_labels(values: list[Any]) -> None:
    """Refuse labels that cannot be compared, or that a saved model could not hold."""
    kinds = sorted({type(value).__name__ for value in values})
    if not set(kinds) <= {"str", "int", "bool", "float"}:
        raise DataError(
            f"y: expected strings, integers or booleans, got {', '.join(kinds)}; use .astype(str)"
        )
    if len(kinds) > 1 and kinds != ["float", "int"]:
        raise DataError(
            f"y: expected labels of one type, got {' and '.join(kinds)}; use .astype(str)"
        )


def _read_indicator(labels: Any, index: Any) -> tuple[np.ndarray, Float[Tensor, "rows labels"]]:
    names = list(getattr(labels, "columns", range(labels.shape[1])))
    values = np.asarray(labels)
    known = (values == 0) | (values == 1)
    if not known.all():
        row, column = np.argwhere(~known)[0]
        raise DataError(
            f"row {row_name(index, int(row))}, label {names[column]!r}: expected one label for "
            f"each row, or a table of 0 and 1 for several, got {values[row, column]!r}"
        )
    return np.array(names), torch.from_numpy(values.astype(np.float32))


def encode_numbers(numbers: Any, index: Any) -> Float[Tensor, "rows outputs"]:
    """Return the numbers to predict, one column for each.

    Args:
        numbers: One number for each row, or a table of several.
        index: Names of the rows, for messages.

    Raises:
        DataError: A value is missing, infinite or not a number.

    Example:
        >>> encode_numbers([1, 2.5], range(2)).tolist()
        [[1.0], [2.5]]
    """
    try:
        table = np.asarray(numbers)
    except ValueError:
        raise DataError(
            "y: expected as many numbers in each row, got rows of several lengths; fill them up"
        ) from None
    if table.ndim > 2 or not table.size:
        raise DataError(
            "y: expected a number for each row, or a table of several, got an array of shape "
            f"{table.shape}; choose one or several of its columns"
        )
    if table.ndim == 1:
        table = table[:, None]
    try:
        values = table.astype(np.float64) if table.dtype.kind != "c" else None
    except (TypeError, ValueError, OverflowError):
        values = None
    if values is None:
        kinds = sorted({type(value).__name__ for value in table.ravel().tolist()})
        raise DataError(
            f"y: expected numbers, got {', '.join(kinds)}; convert them, or use "
            "MultimodalGraphClassifier for classes"
        )
    wrong = np.flatnonzero(~np.isfinite(values).all(1))
    if len(wrong):
        rows = ", ".join(row_name(index, int(row)) for row in wrong[:5])
        raise DataError(
            f"row {rows}: expected a number to predict, got a missing or infinite one "
            f"({len(wrong)} of {len(values)} rows); leave these rows out"
        )
    return torch.from_numpy(values).float()


def encode_groups(groups: Any, index: Any) -> Int[np.ndarray, "rows"]:
    """Return the number of each row's group.

    Args:
        groups: One value a row: strings, numbers or anything else that can be compared.
        index: Names of the rows, for messages.

    Raises:
        DataError: A group is missing, or groups cannot be compared.
    """
    import pandas as pd

    values = pd.Series(_read_column(groups, index, "groups", "group"), dtype=object)
    try:
        return pd.factorize(values, sort=True)[0].astype(np.int64)
    except TypeError:
        kinds = sorted({type(value).__name__ for value in values})
        raise DataError(
            f"groups: expected values that can be compared, got {', '.join(kinds)}; use "
            ".astype(str)"
        ) from None


def _read_column(values: Any, index: Any, argument: str, what: str) -> list[Any]:
    if getattr(values, "ndim", 1) != 1:
        raise DataError(
            f"{argument}: expected one {what} for each row, got a table of shape "
            f"{tuple(values.shape)}; choose one of its columns"
        )
    plain = values.tolist() if hasattr(values, "tolist") else list(values)
    plain = [value.item() if isinstance(value, np.generic) else value for value in plain]
    missing = np.flatnonzero(list(map(is_null, plain)))
    if len(missing):
        rows = ", ".join(row_name(index, int(row)) for row in missing[:5])
        raise DataError(
            f"row {rows}: expected a {what}, got a missing value ({len(missing)} of {len(plain)} "
            f"rows); leave these rows out: frame[frame[{what}].notna()]"
        )
    return plain
