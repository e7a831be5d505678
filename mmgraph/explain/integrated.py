"""Integrated gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from mmgraph.explain.base import Attribution, Explainer, faded_base
from mmgraph.explain.units import Sample

#: Along the path the gate is t to this power. A layer normalisation gives nearly the same for all
#: but very small inputs, so that most of the change lies at the path's beginning.
_POWER = 3


@dataclass(frozen=True)
class IntegratedGradients(Explainer):
    r"""Integrated gradients (https://arxiv.org/abs/1703.01365) along all gates together.

    .. math::
        s_u = \int_0^1 \frac{\partial f}{\partial g_u} (\alpha, \dots, \alpha) \, d\alpha

    for f of `Sample.faded`. The path begins where all nodes' features are zero and the linear
    model has its biases alone, which is what the average training row gives it. Scores sum to
    f(1) - f(0), up to the error of the Gauss-Legendre quadrature.

    Args:
        steps: Points on the path; all go through the model as one batch.
    """

    name: ClassVar[str] = "integrated_gradients"

    steps: int = 96

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units."""
        points, weights = np.polynomial.legendre.leggauss(self.steps)
        t = torch.from_numpy((points + 1) / 2)
        weight = torch.from_numpy(weights / 2) * _POWER * t ** (_POWER - 1)
        with torch.enable_grad():
            gate = (t**_POWER).float().unsqueeze(1).repeat(1, sample.units).requires_grad_()
            (gradient,) = torch.autograd.grad(sample.faded(gate)[:, target].sum(), gate)
        scores = (weight.unsqueeze(1) * gradient.double()).sum(0)
        return Attribution(scores.float(), faded_base(sample, target))
