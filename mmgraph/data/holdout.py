"""Which training rows are held out to choose the best epoch."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int


def hold_out(
    target: Int[np.ndarray, "rows"],
    groups: Int[np.ndarray, "rows"] | None,
    share: float,
    *,
    seed: int,
) -> Int[np.ndarray, "held_out"]:
    """Return the rows to hold out, stratified by class, whole groups only.

    Classes with a single row, or a single group, stay in training.

    Args:
        target: Class index of each row.
        groups: Group of each row, or None.
        share: Share of the rows; 0 holds out none.
        seed: Seed of the choice.

    Raises:
        ValueError: The share is not in [0, 0.5].
    """
    if not 0 <= share <= 0.5:
        raise ValueError(f"expected validation between 0 and 0.5, got {share}")
    if share == 0:
        return np.array([], dtype=np.int64)
    keys = np.arange(len(target)) if groups is None else groups
    _, keys = np.unique(keys, return_inverse=True)
    random = np.random.default_rng(seed)
    total = np.bincount(target)
    wanted = share * total
    taken = np.zeros(len(wanted))
    chosen = np.zeros(len(target), dtype=bool)
    sizes = np.bincount(keys)
    members = np.split(np.argsort(keys, kind="stable"), np.cumsum(sizes)[:-1])
    for group in random.permutation(len(sizes)):
        count = np.bincount(target[members[group]], minlength=len(wanted))
        # A whole group goes over where its classes still want rows; about half may overshoot.
        fits = (taken + count / 2 <= wanted) & (taken + count < total)
        if np.all(fits, where=count > 0):
            chosen[members[group]] = True
            taken += count
    return np.flatnonzero(chosen)
