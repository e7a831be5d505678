"""The vote of the nearest training rows, as programs contain it."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.nn.linear.pool import pattern_of
from mmgraph.nn.linear.scaled import ScaledFeatures
from mmgraph.nn.neighbours.model import Found, Neighbours, shares_of
from mmgraph.nn.neighbours.similarity import NEVER


class VoteProgram(nn.Module):
    """A `Neighbours` whose rows are constants, and which compares all rows with all at once.

    Args:
        neighbours: The fitted neighbours, which this takes apart.
    """

    index: Tensor
    known: Tensor

    def __init__(self, neighbours: Neighbours) -> None:
        super().__init__()
        self.count = min(neighbours.count, len(neighbours.target))
        names = [f"vectors_{number}" for number in range(len(neighbours.kinds))]
        known = neighbours.has.half()
        vectors = [
            getattr(neighbours, name) * real.unsqueeze(1)
            for name, real in zip(names, known.unbind(1), strict=True)
        ]
        #: Vectors of all modalities, one below the other; 16-bit, as they were learnt.
        self.register_buffer("index", torch.cat(vectors, dim=1).T.contiguous())
        self.register_buffer("known", known.T.contiguous())
        self.neighbours = neighbours
        for name in (*names, "has", "place"):  # a program would hold them again
            delattr(neighbours, name)

    def forward(self, features: ScaledFeatures) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the vote, weighed by what each row has."""
        neighbours = self.neighbours
        vectors = neighbours.vectors(features)
        sharpness = neighbours.sharpness
        asked = vectors.has.float() * sharpness  # [batch, modalities]
        columns = zip(vectors.vectors, asked.unbind(1), strict=True)
        weighed = torch.cat([x * each.unsqueeze(1) for x, each in columns], dim=1)
        both = asked @ self.known.float()  # [batch, rows]
        alike = (weighed @ self.index.float()) * (sharpness.sum() / both.clamp_min(1e-12))
        alike = torch.where(both > 0, alike, NEVER)
        best, rows = alike.topk(self.count, dim=1)
        weight = neighbours.weight[pattern_of(vectors.has)].unsqueeze(1)
        return weight * neighbours.logits(Found(rows, shares_of(best)))
