"""Integrated gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mmgraph.explain.base import Attribution, Explainer, faded_base, integrate_gates
from mmgraph.explain.units import Sample

#: Along the path the gate is t to this power. A layer normalisation gives nearly the same for all
#: but very small inputs, so that most of the change lies at the path's beginning.
_POWER = 3


@dataclass(frozen=True)
class IntegratedGradients(Explainer):
    r"""Integrated gradients (https://arxiv.org/abs/1703.01365) along all gates together.

    .. math::
        s_u = \int_0^1 \frac{\partial f}{\partial g_u} (\alpha, \dots, \alpha) \, d\alpha

    for f of `Sample.faded`. The path begins where all nodes' features are zero, the linear
    model has its biases alone, which is what the average training row gives it, and the vote of
    the nearest training rows is the prior. Scores sum to f(1) - f(0), up to the error of the
    Gauss-Legendre quadrature.

    Args:
        steps: Points on the path; all go through the model as one batch. Default: 96.
    """

    name: ClassVar[str] = "integrated_gradients"

    steps: int = 96

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units."""
        scores = integrate_gates(sample.faded, sample.units, target, steps=self.steps, power=_POWER)
        return Attribution(scores, faded_base(sample, target))
