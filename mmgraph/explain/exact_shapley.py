"""Exact Shapley values: what each player brings to a game, on average over orders of joining."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
from jaxtyping import Bool, Float


def coalitions(players: int) -> Bool[np.ndarray, "coalitions players"]:
    """Return all subsets of some players, from the empty one to all of them.

    Example:
        >>> coalitions(2).astype(int).tolist()
        [[0, 0], [0, 1], [1, 0], [1, 1]]
    """
    return np.array(list(product([False, True], repeat=players)), dtype=bool)


def shapley_values(worth: Float[np.ndarray, "coalitions ..."]) -> Float[np.ndarray, "players ..."]:
    r"""Return what each player brings to all coalitions, on average over orders of joining.

    Shapley (1953), "A value for n-person games":

    .. math::
        \phi_m = \sum_{S \not\ni m} \frac{|S|!\,(M - |S| - 1)!}{M!}
        \bigl( v(S \cup \{m\}) - v(S) \bigr)

    They sum to v(all) - v(none).

    Args:
        worth: v of each coalition, in the order of `coalitions`.

    Example:
        >>> shapley_values(np.array([0.0, 3.0, 1.0, 10.0])).tolist()
        [4.0, 6.0]
    """
    players = len(worth).bit_length() - 1
    members = coalitions(players)
    size = members.sum(1)
    # |S|! (M - |S| - 1)! / M!, where a coalition counts as S with m or as S without it.
    joined = [1 / (players * comb(players - 1, n - 1)) if n else 0.0 for n in size]
    without = [1 / (players * comb(players - 1, n)) if n < players else 0.0 for n in size]
    weight = np.where(members.T, joined, -np.array(without))  # [players, coalitions]
    return np.tensordot(weight, worth, axes=1)
