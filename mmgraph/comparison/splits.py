"""Which rows are trained on, and which are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from mmgraph.errors import DataError

#: Names of the parts in a column of the data set's own split.
_TRAIN, _VALIDATE, _TEST = "train", ("val", "valid", "validation", "dev"), "test"


@dataclass(frozen=True, eq=False)
class Split:
    """One choice of rows to train on and rows to predict, as positions in the table.

    Args:
        name: Name of the fold.
        train: Rows to train on.
        test: Rows to predict.
    """

    name: str
    train: Int[np.ndarray, "train"]
    test: Int[np.ndarray, "test"]


def make_folds(
    count: int,
    truth: Any,
    groups: Any,
    rows: Int[np.ndarray, "rows"],
    *,
    stratify: bool,
    seeds: Sequence[int],
) -> list[list[Split]]:
    """Return folds of some rows, shuffled by each seed; rows of one group stay together.

    Folds of further seeds are more to judge by than further fits on the same folds (Bouckaert and
    Frank, 2004, https://doi.org/10.1007/978-3-540-24775-3_3). Where groups are so few that seeds
    lead to the same rows again, that is the same fold, by the same name.

    Args:
        count: Number of folds.
        truth: Target of every row of the table.
        groups: Group of every row, or None.
        rows: Positions of the rows to divide.
        stratify: Give all folds about the same share of each class.
        seeds: The seeds.

    Returns:
        A list of `count` folds for each seed.

    Raises:
        DataError: There are fewer groups, or fewer rows of every class, than folds.
    """
    from sklearn import model_selection

    if count < 2:
        raise DataError(f"expected folds=2 or more, or the name of a column, got {count}")
    name = f"{'Stratified' * stratify}{'Group' * (groups is not None)}KFold"
    chosen = None if groups is None else np.asarray(groups)[rows]
    target = np.asarray(truth)[rows] if stratify else np.zeros(len(rows))
    known: dict[bytes, Split] = {}
    found = []
    for seed in seeds:
        folder = getattr(model_selection, name)(count, shuffle=True, random_state=seed)
        try:
            folds = list(folder.split(np.zeros(len(rows)), target, chosen))
        except ValueError as error:
            raise DataError(f"folds={count}: {error}; use fewer folds") from error
        found.append(
            [
                known.setdefault(test.tobytes(), Split(str(len(known)), rows[train], rows[test]))
                for train, test in folds
            ]
        )
    return found


def read_split_column(values: Sequence[Any]) -> tuple[list[Split], Bool[np.ndarray, "rows"]]:
    """Return the splits that a column names, and which rows are the test part.

    A column with "train" is the split of a data set: "val" rows are predicted. In any other,
    each value is a fold.

    Args:
        values: The column.

    Raises:
        DataError: A value is unknown, or there are no rows to choose by.

    Example:
        >>> (split,), test = read_split_column(["train", "val", "train", "test"])
        >>> split.train.tolist(), split.test.tolist(), test.tolist()
        ([0, 2], [1], [False, False, False, True])
    """
    names = np.array([str(value) for value in values], dtype=object)
    found = sorted(set(names))
    test = names == _TEST
    if _TRAIN not in found:
        folds = [each for each in found if each != _TEST]
        if len(folds) < 2:
            raise DataError(f"split column: expected 'train' and 'val', or folds, got {found}")
        rest = np.flatnonzero(~test)
        return [
            Split(fold, rest[names[rest] != fold], np.flatnonzero(names == fold)) for fold in folds
        ], test
    unknown = set(found) - {_TRAIN, _TEST, *_VALIDATE}
    if unknown:
        raise DataError(f"split column: expected 'train', 'val' and 'test', got {sorted(unknown)}")
    validate = np.isin(names.astype(str), _VALIDATE)
    if not validate.any():
        raise DataError(
            "split column: there are no 'val' rows to compare by, and the test rows are not for "
            "choosing; use folds=5 and test=frame[column] == 'test'"
        )
    train = np.flatnonzero(names == _TRAIN)
    return [Split("val", train, np.flatnonzero(validate))], test


def subset(split: Split, count: int, *, seed: int) -> Split:
    """Return the split with fewer rows to train on; a larger number keeps those of a smaller.

    Example:
        >>> split = Split("0", np.arange(10), np.arange(10, 12))
        >>> small, large = subset(split, 3, seed=0), subset(split, 6, seed=0)
        >>> set(small.train) < set(large.train), small.test.tolist()
        (True, [10, 11])
    """
    order = np.random.default_rng(seed).permutation(split.train)
    return Split(split.name, np.sort(order[:count]), split.test)
