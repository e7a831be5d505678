"""Folds for cross-fitting: whole groups, and about the same share of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

#: Folds by which cheap parts are cross-fitted.
_FOLDS = 5


@dataclass(frozen=True, eq=False)
class Partition:
    """Which rows are held out, and which are left out together.

    Args:
        held_out: Rows that choose the epoch and weigh the fused part; none is fine.
        fold: Fold of each row; each is predicted by models of all others.
        group: Group of each row; its own number where there are none.
    """

    held_out: Int[np.ndarray, "held_out"]
    fold: Int[np.ndarray, "rows"]
    group: Int[np.ndarray, "rows"]

    @classmethod
    def of(
        cls,
        strata: Int[np.ndarray, "rows"],
        groups: Int[np.ndarray, "rows"] | None,
        held_out: Int[np.ndarray, "held_out"],
        *,
        seed: int,
    ) -> Partition:
        """Divide all rows; of arguments, see `assign_folds`."""
        group = np.arange(len(strata)) if groups is None else np.asarray(groups)
        return cls(held_out, assign_folds(strata, groups, _FOLDS, seed=seed), group)


def assign_folds(
    strata: Int[np.ndarray, "rows"],
    groups: Int[np.ndarray, "rows"] | None,
    count: int,
    *,
    seed: int,
) -> Int[np.ndarray, "rows"]:
    """Return the fold of each row, from 0; rows of a group are in one fold.

    The groups that matter most to a class are given out first, each to the fold that makes the
    classes' shares least uneven, as scikit-learn's `StratifiedGroupKFold` does it.

    Args:
        strata: Class of each row.
        groups: Group of each row, or None.
        count: Number of folds; fewer where there are fewer groups.
        seed: Seed of the order among groups that are alike.

    Example:
        >>> folds = assign_folds(np.array([0, 0, 1, 1]), np.array([5, 6, 7, 8]), 2, seed=0)
        >>> sorted(folds[:2].tolist()), sorted(folds[2:].tolist())
        ([0, 1], [0, 1])
    """
    _, keys = np.unique(np.arange(len(strata)) if groups is None else groups, return_inverse=True)
    _, kinds = np.unique(strata, return_inverse=True)
    held = np.zeros((keys.max() + 1, kinds.max() + 1))
    np.add.at(held, (keys, kinds), 1)
    held /= held.sum(0)  # as shares of each class
    order = np.random.default_rng(seed).permutation(len(held))
    order = order[np.argsort(-held[order].max(1), kind="stable")]
    count = min(count, len(held))
    shares = np.zeros((count, held.shape[1]))
    fold = np.zeros(len(held), dtype=np.int64)
    for group in order:
        # Giving it to fold f changes the sum of squares by 2 shares_f · held + a constant.
        unevenness = shares @ held[group] + 1e-6 * shares.sum(1)
        fold[group] = unevenness.argmin()
        shares[fold[group]] += held[group]
    return fold[keys]
