"""Which weights go with which modalities a sample has."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

#: With more modalities, samples that lack some share their weights.
MOST_MODALITIES = 3


def pattern_of(has: Bool[Tensor, "batch modalities"]) -> Int[Tensor, "batch"]:
    """Return the number of each sample's pattern of modalities; whole ones have the last.

    Example:
        >>> pattern_of(torch.tensor([[False, False], [True, False], [True, True]])).tolist()
        [0, 1, 3]
    """
    if has.shape[1] > MOST_MODALITIES:
        return has.all(1).long()
    place = torch.tensor([2**number for number in range(has.shape[1])], device=has.device)
    return (has.long() * place).sum(1)


def number_of_patterns(modalities: int) -> int:
    """Return how many patterns `pattern_of` knows."""
    return 2 if modalities > MOST_MODALITIES else 2**modalities


def partial_patterns(modalities: int) -> Bool[Tensor, "patterns modalities"]:
    """Return which modalities each pattern has that lacks some, but not all.

    Example:
        >>> partial_patterns(2).tolist()
        [[True, False], [False, True]]
    """
    if modalities > MOST_MODALITIES:
        return torch.zeros(0, modalities, dtype=torch.bool)
    number = torch.arange(1, 2**modalities - 1).unsqueeze(1)
    return (number >> torch.arange(modalities)) % 2 > 0


def first_pool(modalities: int) -> Float[Tensor, "patterns parts"]:
    """Return the weights of logits learnt together, and of the mean of those learnt alone.

    Whole samples get the former, all others the latter.
    """
    pool = torch.zeros(number_of_patterns(modalities), 1 + modalities)
    pool[:-1, 1:] = 1.0
    pool[-1, 0] = 1.0
    return pool
