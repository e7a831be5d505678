"""Occlusion: what changes when a unit is gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.unit_row import UnitRow


@dataclass(frozen=True)
class Occlusion(Explainer):
    r"""Occlusion (https://arxiv.org/abs/1311.2901): each unit is taken away by itself.

    .. math::
        s_u = f(U) - f(U \setminus u)

    for f of `Sample.subsets` and all units U. The unit's node is removed with its edges, and the
    linear model's pooled features are made without it. One batch of as many rows as there are
    units.
    """

    name: ClassVar[str] = "occlusion"
    needs_network: ClassVar[bool] = False

    def attribute(self, sample: UnitRow, target: int) -> Attribution:
        """Return the scores of the row's units."""
        without = ~torch.eye(sample.units, dtype=torch.bool)
        return Attribution(sample.logits[target] - sample.subsets(without)[:, target])
