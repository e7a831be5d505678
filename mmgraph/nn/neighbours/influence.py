"""What a vote would say without one of its rows."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.nn.neighbours.model import Found, Neighbours, shares_of


def votes_without_each(
    neighbours: Neighbours, alike: Float[Tensor, "found"], rows: Int[Tensor, "found"]
) -> Float[Tensor, "voters outputs"]:
    """Return the logits of the vote without each of its rows, unweighed.

    As if the row had not been known: the next nearest votes in its place, and the shares of all
    are made anew. How alike rows are, and how much the vote counts, stays as it was learnt.

    Args:
        neighbours: The fitted neighbours.
        alike: How alike one row's nearest are, as `Neighbours.search` returns it.
        rows: Their numbers.
    """
    voters = min(neighbours.count, len(rows))
    # Each line lacks another one of all columns.
    columns = torch.arange(len(rows) - 1).repeat(voters, 1)
    columns = columns + (columns >= torch.arange(voters).unsqueeze(1))
    return neighbours.logits(Found(rows[columns], shares_of(alike[columns])))
