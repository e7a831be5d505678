"""What the nearest training rows say of one row, and which of its nodes made it like them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.items import Items
from mmgraph.nn.linear.pool import pattern_of
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.neighbours.influence import votes_without_each
from mmgraph.nn.neighbours.model import Neighbours, shares_of
from mmgraph.nn.task import Task


@dataclass(frozen=True, eq=False)
class Vote:
    r"""The vote on one row, as a function of its units.

    A row that fades is less and less like its neighbours. What unit u adds to how alike the row and
    neighbour j are, the cosine's own inner product, is σ_uj; of units that add nothing, or take
    away, none counts. So each neighbour's vote fades into the training prior π with the units that
    made it a neighbour:

    .. math::
        p(g) = \pi + \sum_j q_j \sum_u g_u \frac{\sigma_{uj}^+}{\sum_v \sigma_{vj}^+} (y_j - \pi)

    for the neighbours' shares q and targets y. With all gates open that is the vote itself.

    Args:
        task: What targets are.
        weight: What the vote is multiplied by in the logits.
        row: Numbers of the neighbours among the training rows, the nearest first.
        share: How much each of them says.
        without: Logits of the vote without each of them, unweighed.
        pull: What each unit adds to the mean of the targets.
    """

    task: Task
    weight: float
    row: Int[Tensor, "neighbours"]
    share: Float[Tensor, "neighbours"]
    without: Float[Tensor, "neighbours outputs"]
    pull: Float[Tensor, "units outputs"]

    def faded(self, gate: Float[Tensor, "batch units"]) -> Float[Tensor, "batch outputs"]:
        """Return what the vote adds to the logits with each unit multiplied by its gate."""
        mean = self.task.prior_mean + gate @ self.pull
        return self._relevant(self.task.logits_of_mean(mean))

    @property
    def logits(self) -> Float[Tensor, "outputs"]:
        """What the vote adds to the row's logits."""
        return self.faded(self.pull.new_ones(1, len(self.pull)))[0]

    @property
    def influence(self) -> Float[Tensor, "neighbours outputs"]:
        """How much each neighbour changes the row's logits, with the next nearest in its place."""
        return self.logits - self._relevant(self.without)

    def _relevant(self, logits: Float[Tensor, "rows outputs"]) -> Float[Tensor, "rows outputs"]:
        return self.task.relevant(self.weight * logits)


def vote_on(model: MultimodalModel, items: Mapping[str, Items]) -> Vote | None:
    """Return the vote on a row; None where it says nothing.

    Args:
        model: The model.
        items: The row's items, as a batch of one; the units are their nodes, in this order.
    """
    linear, neighbours = model.linear, model.neighbours
    if linear is None or neighbours is None or not neighbours.used:
        return None
    with torch.no_grad():
        features = linear.read(items)
        vectors = neighbours.vectors(features)
        weight = float(model.weights[0] * neighbours.weight[pattern_of(vectors.has)][0])
        alike, rows = (each[0] for each in neighbours.search(vectors))
        share = shares_of(alike[: neighbours.count].unsqueeze(0))[0]
        if not weight or not share.any():
            return None
        parts = neighbours.unit_parts(features, linear.scaled_parts(items))
        voters = rows[: neighbours.count]
        alike_by = _alike_by(neighbours, vectors.has[0], voters, parts)
        brought = dict(zip(linear.pooled, alike_by, strict=True))
        said = neighbours.said(voters.unsqueeze(0))[0] - model.task.prior_mean
        return Vote(
            task=model.task,
            weight=weight,
            row=voters,
            share=share,
            without=votes_without_each(neighbours, alike, rows),
            pull=(_fractions(torch.cat([brought[name] for name in items])) * share) @ said,
        )


def _alike_by(
    neighbours: Neighbours,
    has: Bool[Tensor, "modalities"],
    voters: Int[Tensor, "neighbours"],
    parts: Sequence[Float[Tensor, "_ _"]],
) -> list[Float[Tensor, "_ neighbours"]]:
    """Return what each node adds to how alike the row and each neighbour are, by modality.

    A factor that is the same for all nodes is left out.
    """
    known = neighbours.rows()[voters]
    counts = neighbours.sharpness * has * known.has
    return [
        (part @ x.T) * count
        for part, x, count in zip(parts, known.vectors, counts.unbind(1), strict=True)
    ]


def _fractions(
    added: Float[Tensor, "units neighbours"],
) -> Float[Tensor, "units neighbours"]:
    """Return the fraction of each column that is each unit's; what is negative counts as none.

    Example:
        >>> _fractions(torch.tensor([[3.0, 0.0], [1.0, 0.0], [-2.0, 0.0], [0.0, -1.0]])).tolist()
        [[0.75, 0.25], [0.25, 0.25], [0.0, 0.25], [0.0, 0.25]]
    """
    added = added.clamp_min(0)
    total = added.sum(0)
    return torch.where(total > 0, added / total.clamp_min(1e-12), 1 / max(len(added), 1))
