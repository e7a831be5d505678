"""Scaling by what the training data show."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def usable_deviation(std: Float[Tensor, "features"], floor: float) -> Float[Tensor, "features"]:
    """Return standard deviations that can be divided by.

    A feature that hardly ever changes would be blown up by its tiny deviation.

    Args:
        std: Standard deviation of every feature.
        floor: The least one, as a share of their mean; where all are 0, they become 1.

    Example:
        >>> usable_deviation(torch.tensor([0.0, 3.0]), 0.1).tolist()
        [0.15000000596046448, 3.0]
    """
    std = std.clamp_min(floor * float(std.mean()))
    return torch.where(std > 0, std, 1.0)
