"""What an explainer is: from one row and one output to a score for each unit."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

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
        edges: Importance of the edges of each relation, for all layers together and in the order
            of `Relation.edge_index`, where the method tells it; None: attention is shown.
    """

    scores: Float[Tensor, "units"]
    base: float | None = None
    edges: dict[EdgeType, Float[Tensor, "_"]] | None = None


class Explainer(ABC):
    """Scores the units of a row by how much they speak for one output.

    Subclasses are frozen dataclasses, whose fields are the choices of the user. They never
    change the model.
    """

    #: What `method=` calls it.
    name: ClassVar[str]
    #: Negative scores speak against the output; False: scores only tell how much units matter.
    signed: ClassVar[bool] = True

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
    r"""Add the exact shares of the linear model to the graph's part, spread by relevance.

    .. math::
        s_u = w_0 a_u + \frac{\rho_u}{\sum_v \rho_v} \bigl( w_1 z(x) - w_1 z(0) \bigr)

    for relevance ρ ≥ 0, shares a and the graph's logit z; so the scores sum to f(1) - f(0) of
    `Sample.faded`.
    """
    base = faded_base(sample, target)
    linear = sample.linear[:, target]
    graph = float(sample.logits[target]) - base - float(linear.sum())
    total = relevance.sum()
    even = relevance.new_full(relevance.shape, 1 / max(len(relevance), 1))
    share = relevance / total if total > 0 else even
    return Attribution(linear + graph * share, base)


def faded_base(sample: Sample, target: int) -> float:
    """Return the logit of an output when all units are faded away."""
    gate = sample.logits.new_zeros(1, sample.units)
    return float(sample.faded(gate)[0, target].detach())
