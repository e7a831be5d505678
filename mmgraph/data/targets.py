"""Labels, numbers and groups: checked, and turned into tensors."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from sklearn.exceptions import DataConversionWarning
from torch import Tensor

from mmgraph.errors import DataError, names, quote
from mmgraph.tables.missing import is_null
from mmgraph.tables.names import is_writable, row_name

#: Largest number to predict: that of single precision, in which errors are logged, and less.
LARGEST = 1e37

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
    classes, codes = _number(values)
    if len(classes) < 2:
        raise DataError(
            f"y: expected at least two classes, got only {quote(classes.tolist()[0])}; add rows of "
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
    return any(
        isinstance(value, _COLLECTIONS) and getattr(value, "ndim", 1) > 0 for value in labels
    )


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
    rows = _read_sets(labels, index)
    # One row after the other: sets themselves have no order.
    flat = [(number, label) for number, row in enumerate(rows) for label in row]
    if not flat:
        raise DataError("y: expected sets of labels, got only empty ones; add rows with labels")
    owners = [index[number] for number, _ in flat]
    values = _read_column([label for _, label in flat], owners, "y", "label")
    _check_labels(values)
    classes, codes = _number(values)
    target = torch.zeros(len(rows), len(classes))
    target[[number for number, _ in flat], torch.from_numpy(codes)] = 1.0
    return classes, target


def indicator(labels: Any, classes: np.ndarray, index: Any) -> Int[np.ndarray, "rows labels"]:
    """Return which of known labels each row has; a row with an unknown one can match none.

    Args:
        labels: As in `encode_labels`; columns of a table that have the labels' names may have
            another order.
        classes: The known labels.
        index: Names of the rows, for messages.

    Raises:
        DataError: A row is no set of labels, or a table has other columns than the labels.
    """
    if getattr(labels, "ndim", 1) == 2:
        columns, given = _read_indicator(labels, index)
        return given.numpy().astype(np.int64)[:, _order(columns, classes)]
    known = set(classes.tolist())
    rows = _read_sets(labels, index)
    table = np.array([[int(label in row) for label in classes.tolist()] for row in rows])
    table[[not all(_hashable(each) and each in known for each in row) for row in rows]] = -1
    return table


def one_column(labels: Any) -> Any:
    """Return a table of one column as that column, with scikit-learn's warning.

    Lists of one label each, in a list, are NumPy's column too; sets of labels are not.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     one_column(np.array([["a"], ["b"]])), one_column([[1], [0]])
        (array(['a', 'b'], dtype='<U1'), [1, 0])
    """
    column = flat(labels)
    if column is not labels:
        warnings.warn(
            "y: got a table of one column, which is taken as one label for each row; pass the "
            "column itself: frame['label'], or y.ravel(); several labels a row are sets: "
            "[{'a'}, set()]",
            DataConversionWarning,
            stacklevel=5,
        )
    return column


def flat(labels: Any) -> Any:
    """Return what `one_column` does, without a warning; other values as they are."""
    if getattr(labels, "ndim", 1) == 2 and labels.shape[1] == 1:
        return labels.iloc[:, 0] if hasattr(labels, "iloc") else np.asarray(labels)[:, 0]
    if type(labels) in (list, tuple) and all(
        isinstance(row, list | tuple | np.ndarray) and np.ndim(row) == 1 and len(row) == 1
        for row in labels
    ):
        return [row[0] for row in labels]
    return labels


def match_classes(
    labels: Any, classes: Shaped[np.ndarray, "classes"], index: Any
) -> Int[np.ndarray, "rows"]:
    """Return the place of each row's label among known classes, -1 where it is none of them.

    Args:
        labels: As in `encode_classes`.
        classes: The known classes.
        index: Names of the rows, for messages.

    Raises:
        DataError: A label is missing, or all are of another type than the classes.
    """
    values = _read_column(one_column(labels), index, "y", "label")
    places = {label: place for place, label in enumerate(classes.tolist())}
    found = [places.get(value, -1) if _hashable(value) else -1 for value in values]
    kinds = {type(value) for value in values if not isinstance(value, int | float)}
    known = {type(label) for label in places if not isinstance(label, int | float)}
    if max(found, default=-1) < 0 and kinds != known:
        raise DataError(
            f"y: expected labels such as {quote(next(iter(places)))}, got labels such as "
            f"{quote(values[0])}; pass labels of the type that the model was fitted on"
        )
    return np.array(found, dtype=np.int64)


def is_balanced(chosen: Any) -> bool:
    """Say whether rare classes are to count as much as common ones."""
    return isinstance(chosen, str) and chosen == "balanced"


def class_weights(chosen: Any, classes: Shaped[np.ndarray, "classes"]) -> list[float]:
    """Return the weight of each class that the user gave; 1 where there is none.

    Args:
        chosen: "balanced", None, or weights by label.
        classes: The classes.

    Raises:
        DataError: The choice is none of these, a weight is no positive number, or a label is no
            class while some class has no weight.
    """
    if chosen is None or is_balanced(chosen):
        return [1.0] * len(classes)
    if not isinstance(chosen, Mapping):
        raise DataError(
            'class_weight: expected "balanced", None or a dict of weights by label such as '
            f"{{{quote(classes.tolist()[0])}: 2.0}}, got {quote(chosen)}"
        )
    for label, weight in chosen.items():
        if not isinstance(weight, Real) or not 0 < float(weight) < float("inf"):
            raise DataError(
                f"class_weight: expected a positive number for {quote(label)}, got {quote(weight)}"
            )
    known = classes.tolist()
    strange = [label for label in chosen if label not in known]
    if strange and any(label not in chosen for label in known):
        raise DataError(
            f"class_weight: expected labels among {names(known)}, got {quote(strange[0])}; "
            "correct it"
        )
    return [float(chosen.get(label, 1.0)) for label in known]


def _plain(value: Any) -> Any:
    """Return a number of NumPy's, torch's or Arrow's as Python's; others as they are."""
    if isinstance(value, np.generic | np.ndarray | Tensor):
        return value.item() if value.ndim == 0 else value
    return value.as_py() if hasattr(value, "as_py") else value


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _number(values: list[Any]) -> tuple[np.ndarray, Int[np.ndarray, "rows"]]:
    """Return the sorted labels and the place of each value among them.

    Raises:
        DataError: Labels that differ would become one, as NumPy holds them.
    """
    array = np.array(values)
    different = sorted(set(values))
    classes, codes = np.unique(array, return_inverse=True)
    if array.dtype.kind == "f" and any(abs(value) > 2**53 for value in different):
        raise DataError("y: expected smaller whole numbers as labels; use .astype(str)")
    if len(classes) < len(different):  # NumPy cuts NUL off the ends of texts
        raise DataError(
            f"y: expected labels that differ in more than NUL characters at their end, got "
            f"{', '.join(map(quote, different[:3]))}; remove these: .str.rstrip('\0')"
        )
    return classes, codes


def _check_labels(values: list[Any]) -> None:
    """Refuse labels that cannot be compared, or that a saved model could not hold."""
    for value in values:
        if isinstance(value, str) and not is_writable(value):
            raise DataError(
                f"y: expected labels that can be written as UTF-8 and have no NUL, got "
                f"{quote(value)}; clean them: .str.encode('utf-8', 'replace').str.decode('utf-8')"
                ".str.replace('\0', '')"
            )
    kinds = sorted({type(value).__name__ for value in values})
    if not set(kinds) <= {"str", "int", "bool", "float"}:
        raise DataError(
            f"y: expected strings, integers or booleans, got {', '.join(kinds)}; use .astype(str)"
        )
    if len(kinds) > 1 and kinds != ["float", "int"]:
        raise DataError(
            f"y: expected labels of one type, got {' and '.join(kinds)}; use .astype(str)"
        )


def _read_sets(labels: Any, index: Any) -> list[Any]:
    """Return the collection of labels that each row has.

    Raises:
        DataError: A row has something else.
    """
    rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in labels]
    for number, row in enumerate(rows):
        if not isinstance(row, _COLLECTIONS):
            raise DataError(
                f"row {row_name(index, number)}: expected a set or list of labels, as in other "
                f"rows, got {quote(row)}; write [] for a row without labels"
            )
    return rows


def _order(
    columns: Shaped[np.ndarray, "columns"], classes: Shaped[np.ndarray, "classes"]
) -> Int[np.ndarray, "classes"]:
    """Return the place of each label among the columns of a table.

    Raises:
        DataError: There are other columns.
    """
    given, known = columns.tolist(), classes.tolist()
    places = list(range(len(given)))
    if len(given) == len(known) and (given == places or known == places):
        return np.array(places)  # columns without names
    if sorted(given, key=str) != sorted(known, key=str):
        raise DataError(
            f"y: expected a column of 0 and 1 for each of the labels {names(known)}, got "
            f"{names(given)}"
        )
    return np.array([given.index(label) for label in known])


def _read_indicator(labels: Any, index: Any) -> tuple[np.ndarray, Float[Tensor, "rows labels"]]:
    columns = list(getattr(labels, "columns", range(labels.shape[1])))
    values = np.asarray(labels)
    known = np.array([[value in (0, 1) for value in row] for row in values.tolist()])
    if not known.all():
        row, column = np.argwhere(~known)[0]
        raise DataError(
            f"row {row_name(index, int(row))}, label {quote(columns[column])}: expected one label "
            f"for each row, or a table of 0 and 1 for several, got {quote(values[row, column])}"
        )
    return np.array(columns), torch.from_numpy(values.astype(np.float32))


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
    plain = [_plain(value) for value in plain]
    missing = np.flatnonzero(list(map(is_null, plain)))
    if len(missing):
        rows = ", ".join(row_name(index, int(row)) for row in missing[:5])
        raise DataError(
            f"row {rows}: expected a {what}, got a missing value ({len(missing)} of {len(plain)} "
            f"rows); leave these rows out: frame[frame[{what}].notna()]"
        )
    return plain
