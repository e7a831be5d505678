"""What an explainer is: from one row and one output to a score for each unit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.explain.units import Sample
from mmgraph.typing import EdgeType


@dataclass(frozen=True, eq=False)
class Attribution:
    """Scores of the units of one row.

    Args:
        scores: Score of each unit, in the order of `Sample.unit_items`.
        base: What the scores start from, where they sum to the logit less this; else None.
            Default: None.
        edges: Importance of the edges of each relation, for all layers together and in the order
            of `Relation.edge_index`, where the method tells it; None: attention is shown.
            Default: None.
        interactions: What two modalities say together beyond what each says, by their names, where
            the method tells it. Default: {}.
        changes_to: Which output is predicted instead, once all units with scores are taken away,
            where the method tells it. Default: None.
    """

    scores: Float[Tensor, "units"]
    base: float | None = None
    edges: dict[EdgeType, Float[Tensor, "_"]] | None = None
    interactions: dict[tuple[str, str], float] = field(default_factory=dict)
    changes_to: int | None = None


class Explainer(ABC):
    """Scores the units of a row by how much they speak for one output.

    Subclasses are frozen dataclasses, whose fields are the choices of the user. They never
    change the model.
    """

    #: What `method=` calls it.
    name: ClassVar[str]
    #: Negative scores speak against the output; False: scores only tell how much units matter.
    signed: ClassVar[bool] = True
    #: It looks into a network; False: it asks for `units`, `logits` and `subsets` alone, so that
    #: it suits any function of rows as well.
    needs_network: ClassVar[bool] = True

    @abstractmethod
    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units.

        Args:
            sample: The row, with at least one unit.
            target: Which output.

        Raises:
            DataError: The method does not suit the model.
        """


def spread(sample: Sample, target: int, relevance: Float[Tensor, "units"]) -> Attribution:
    r"""Add the shares of the linear model and of the vote to the graph's part, spread by relevance.

    .. math::
        s_u = w_0 (a_u + v_u) + \frac{\rho_u}{\sum_v \rho_v} \bigl( w_1 z(x) - w_1 z(0) \bigr)

    for relevance ρ ≥ 0, exact shares a, the graph's logit z, and the integrated gradients v of the
    vote; so the scores sum to f(1) - f(0) of `Sample.faded`.
    """
    base = faded_base(sample, target)
    cheap = sample.linear[:, target]
    if sample.vote is not None:
        cheap = cheap + integrate_gates(sample.vote.faded, sample.units, target)
    graph = float(sample.logits[target]) - base - float(cheap.sum())
    total = relevance.sum()
    even = relevance.new_full(relevance.shape, 1 / max(len(relevance), 1))
    share = relevance / total if total > 0 else even
    return Attribution(cheap + graph * share, base)


def integrate_gates(
    function: Callable[[Float[Tensor, "points units"]], Float[Tensor, "points outputs"]],
    units: int,
    target: int,
    *,
    steps: int = 96,
    power: int = 3,
) -> Float[Tensor, "units"]:
    """Return the integrated gradients of an output along all gates together, from 0 to 1.

    Args:
        function: From gates to outputs; all points go through it as one batch.
        units: Number of gates.
        target: Which output.
        steps: Points of the Gauss-Legendre quadrature.
        power: The gates are the path's parameter to this power: more points where they are small.
    """
    points, weights = np.polynomial.legendre.leggauss(steps)
    t = torch.from_numpy((points + 1) / 2)
    weight = torch.from_numpy(weights / 2) * power * t ** (power - 1)
    with torch.enable_grad():
        gate = (t**power).float().unsqueeze(1).repeat(1, units).requires_grad_()
        (gradient,) = torch.autograd.grad(function(gate)[:, target].sum(), gate)
    return (weight.unsqueeze(1) * gradient.double()).sum(0).float()


def faded_base(sample: Sample, target: int) -> float:
    """Return the logit of an output when all units are faded away."""
    gate = sample.logits.new_zeros(1, sample.units)
    return float(sample.faded(gate)[0, target].detach())
