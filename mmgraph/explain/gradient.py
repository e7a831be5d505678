"""Gradient times input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.units import Sample


@dataclass(frozen=True)
class GradientInput(Explainer):
    r"""Gradient times input (https://arxiv.org/abs/1605.01713), summed over a node's features.

    .. math::
        s_u = \frac{\partial f}{\partial g_u} \Bigr|_{g = 1}
            = w_0 \Bigl( a_u + \frac{\partial V}{\partial g_u} \Bigr)
            + w_1 \Bigl\langle \frac{\partial z}{\partial x_u}, x_u \Bigr\rangle

    for the encoder's node x_u, the unit's exact share a_u of the linear model's logits, the vote V
    of the nearest training rows, and f of `Sample.faded`. One backward pass.
    """

    name: ClassVar[str] = "gradient"

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units."""
        with torch.enable_grad():
            gate = torch.ones(1, sample.units, requires_grad=True)
            (gradient,) = torch.autograd.grad(sample.faded(gate)[0, target], gate)
        return Attribution(gradient[0])
