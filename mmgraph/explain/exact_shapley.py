"""Exact Shapley values: what each player brings to a game, on average over orders of joining."""

from __future__ import annotations

from itertools import combinations, product
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


def interaction_values(
    worth: Float[np.ndarray, "coalitions"],
) -> dict[tuple[int, int], float]:
    r"""Return what two players are worth together, beyond what each is worth without the other.

    The Shapley interaction index (Grabisch and Roubens, 1999, https://doi.org/10.1007/s001820050125):

    .. math::
        I_{ij} = \sum_{S \not\ni i, j} \frac{|S|!\,(M - |S| - 2)!}{(M - 1)!}
        \bigl( v(S \cup \{i, j\}) - v(S \cup \{i\}) - v(S \cup \{j\}) + v(S) \bigr)

    Args:
        worth: v of each coalition, in the order of `coalitions`.

    Example:
        >>> interaction_values(np.array([0.0, 3.0, 1.0, 10.0]))
        {(0, 1): 6.0}
    """
    players = len(worth).bit_length() - 1
    members = coalitions(players)
    found = {}
    for one, other in combinations(range(players), 2):
        sign = np.where(members[:, one] == members[:, other], 1, -1)
        rest = members.sum(1) - members[:, one] - members[:, other]
        weight = [1 / ((players - 1) * comb(players - 2, size)) for size in rest]
        found[one, other] = float((sign * weight * worth).sum())
    return found
