"""What the checks are made of: expectations, and comparisons of values that may hold tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def expect(condition: bool, message: str) -> None:
    """Raise an AssertionError with a message unless a condition holds."""
    # No bare assert: python -O would skip the checks.
    if not condition:
        raise AssertionError(message)


def distance(one: Tensor, other: Tensor) -> float:
    """Return the largest difference of two tensors, infinite for different shapes."""
    if one.shape != other.shape:
        return float("inf")
    return float((one - other).detach().abs().max()) if one.numel() else 0.0


def equal(one: Any, other: Any) -> bool:
    """Say whether two values are equal, which may hold tensors and arrays."""
    if one is other:
        return True
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(np.all(one == other))
    if isinstance(one, Tensor | np.ndarray) or isinstance(other, Tensor | np.ndarray):
        return False
    return bool(one == other)


def expect_gradients(module: nn.Module, said: str) -> None:
    """Expect finite gradients of whatever parameters have any."""
    for name, parameter in module.named_parameters():
        finite = parameter.grad is None or bool(parameter.grad.isfinite().all())
        expect(finite, f"{said}: the gradient of {name} is not finite; {_FINITE}")


_FINITE = (
    "look for a softmax, a mean, a norm or a logarithm of nothing, such as the mean over no nodes"
)
