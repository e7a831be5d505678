"""How far two ways to compute the same may lie apart: rounding, which differs among processors.

Kernels add the terms of a sum in an order of their own, which depends on the width of the
processor's vectors, on the size of the batch and on the library. Each sum is rounded, and what
follows takes the error on. So a tolerance follows from the type of numbers and from how many sums
follow each other, and none is measured on one machine.
"""

from __future__ import annotations

import torch

#: Sums that follow each other in the tests' small estimators: a CNN of four layers or an RNN over
#: a few tokens, a layer of message passing, readout, head, softmax.
SMALL = 20

#: Those of a block of a transformer: two of attention, four linear layers.
BLOCK = 6

#: Those of an estimator on pretrained encoders: some 50 convolutions, or 6 blocks, and the rest.
PRETRAINED = 80

#: Roundings of a sum that add up before they cancel out, at the worst of thousands of numbers.
_MARGIN = 4


def rounding(depth: int, *, dtype: torch.dtype = torch.float32, scale: float = 1.0) -> float:
    """Return the absolute tolerance for numbers that were computed in two ways.

    Args:
        depth: How many sums (products of matrices, convolutions, means) follow each other.
        dtype: Type of the numbers within.
        scale: The size that those numbers have; probabilities and logits are about 1.

    Example:
        >>> rounding(1) < 1e-6 < rounding(6) < 1e-5
        True
    """
    return _MARGIN * depth * torch.finfo(dtype).eps * scale
