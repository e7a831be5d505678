"""Which of some new rows are known already."""

from __future__ import annotations

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.neighbours.similarity import RowVectors, nearest

#: Nearest rows among which a copy is looked for.
_CANDIDATES = 20
#: Largest difference of a number between copies: what 16 bits hold, and what a batch rounds.
_ROUNDING = 2e-3


def first_of_each(
    neighbours: Neighbours, vectors: RowVectors, target: Shaped[Tensor, "rows *outputs"]
) -> Int[Tensor, "new"]:
    """Return the numbers of the new rows that are no copies of known ones, nor of each other.

    A copy has the same modalities, the same vectors to within 16-bit numbers, and the same target.
    Rows without any modality are left out.

    Args:
        neighbours: What is known.
        vectors: What the new rows are compared by.
        target: Their targets.
    """
    known, count = neighbours.rows(), len(neighbours.target)
    joined = RowVectors.join([known, vectors])
    assert joined is not None
    targets = torch.cat([neighbours.target, target])
    _, near = nearest(vectors, joined, neighbours.sharpness, _CANDIDATES)
    own = torch.arange(count, count + len(vectors)).unsqueeze(1)
    same = (near < own) & (joined.has[near] == vectors.has.unsqueeze(1)).all(2)
    same &= (
        (targets[near] == target.unsqueeze(1)).flatten(2).all(2)
        if target.ndim > 1
        else (targets[near] == target.unsqueeze(1))
    )
    for number, (x, new) in enumerate(zip(joined.vectors, vectors.vectors, strict=True)):
        apart = (x[near] - new.unsqueeze(1)).abs().amax(2) if x.shape[1] else 0.0 * near
        same &= (apart < _ROUNDING) | ~vectors.has[:, [number]]
    return (~same.any(1) & vectors.has.any(1)).nonzero()[:, 0]
