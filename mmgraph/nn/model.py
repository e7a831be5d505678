"""The whole model: encoders, fusion and head, with a linearmodel beside them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linked_vote import LinkedVote
from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.task import Task
from mmgraph.nn.weighing import weigh_parts

#: What `balance` starts from and is pulled towards where the linear model sees all modalities:
#: the cheap parts alone. The fused one has to prove itself, for its confidence is a network's.
_CHEAP_ALONE = (1.0, 0.0)
#: How strong that pull is, in held-out samples.
_PRIOR_SAMPLES = 20.0


class MultimodalModel(nn.Module):
    """Logits from the items of several modalities.

    logits = w_0 (linear(items) + neighbours(items) + linked(items))
        + w_1 head(fusion(encoders(items)))

    The cheap parts, in front, are weighed among themselves by rows they were not fitted on, see
    `mmgraph.nn.cross_fitting`. The fused part is trained apart from them, on its own loss, so that
    neither explains away what the other could learn; `balance` then sets w on held-out samples. A
    sample without any item of any modality gets the logits of the task's prior.

    Args:
        encoders: From `Items` to `Nodes` for every modality, by node type.
        fusion: From nodes to one vector a sample.
        task: What the logits mean; it says how many there are.
        linear: Linear model on pooled features of the modalities, None to do without.
            Default: None.
        neighbours: Vote of the nearest training rows; needs the linear model, whose features it
            compares. None to do without. Default: None.
        linked: Vote of the training rows that a row is linked with; needs the linear model too.
            None to do without. Default: None.
    """

    weights: Tensor

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        fusion: Fusion,
        task: Task,
        *,
        linear: LinearModel | None = None,
        neighbours: Neighbours | None = None,
        linked: LinkedVote | None = None,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.task = task
        self.head = nn.Linear(fusion.out_channels, task.outputs)
        self.linear = linear
        self.neighbours = neighbours
        self.linked = linked
        start = 1.0 if linear is None else task.part_weight
        self.register_buffer("weights", torch.full((2,), start))

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of all parts together, or of the prior where there is no input."""
        return self.join(self.cheap_logits(items), self.fused_logits(items), has_input(items))

    def cheap_logits(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"] | None:
        """Return the logits of the linear model and the votes; None without any of them."""
        if self.linear is None:
            return None
        features = self.linear.read(items)
        logits = self.linear.combine(self.linear.parts_of(features))
        logits = logits if self.neighbours is None else logits + self.neighbours(features)
        return logits if self.linked is None else logits + self.linked(items)

    def join(
        self,
        cheap: Float[Tensor, "batch outputs"] | None,
        fused: Float[Tensor, "batch outputs"],
        present: Bool[Tensor, "batch"],
    ) -> Float[Tensor, "batch outputs"]:
        """Return the logits of all parts together.

        Args:
            cheap: Logits of the linear model and the neighbours, None without both.
            fused: Logits of the fused part.
            present: True where a sample has any input; the others get the prior.
        """
        logits = self.weights[1] * fused
        if cheap is not None:
            logits = logits + self.weights[0] * cheap
        return torch.where(present.unsqueeze(1), logits, self.task.prior)

    def nodes(self, items: Mapping[str, Items]) -> dict[str, Nodes]:
        """Return the encoded nodes of every modality, before any message passing."""
        return {name: encoder(items[name]) for name, encoder in self.encoders.items()}

    def fused(self, items: Mapping[str, Items]) -> Float[Tensor, "batch channels"]:
        """Return one vector a sample, all its modalities fused."""
        return self.fusion(self.nodes(items))

    def fused_logits(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of the fused vectors alone."""
        return self.head(self.fused(items))

    def balance(
        self,
        cheap: Float[Tensor, "samples outputs"],
        fused: Float[Tensor, "samples outputs"],
        target: Shaped[Tensor, "samples *outputs"],
    ) -> None:
        """Set the weights of both parts by their loss on held-out samples.

        Args:
            cheap: Logits of the linear model and the neighbours, fitted without these samples.
            fused: Logits of the fused part, trained without these samples.
            target: Target of each sample.
        """
        start = torch.tensor(_CHEAP_ALONE)
        if self.linear is not None and not self.linear.sees_all:
            start = torch.full((2,), self.task.part_weight)
        parts = torch.stack([cheap, fused])
        self.weights = weigh_parts(parts, target, self.task, start=start, pull=_PRIOR_SAMPLES)

    def cheap_weight(
        self,
        cheap: Float[Tensor, "samples outputs"],
        target: Shaped[Tensor, "samples *outputs"],
    ) -> Float[Tensor, ""]:
        """Return what `balance` would give the cheap parts without the fused one."""
        start = torch.tensor(_CHEAP_ALONE[:1])
        parts = cheap.unsqueeze(0)
        return weigh_parts(parts, target, self.task, start=start, pull=_PRIOR_SAMPLES)[0]


def has_input(items: Mapping[str, Items]) -> Bool[Tensor, "batch"]:
    """True where a sample has a node in at least one modality."""
    return torch.stack([each.nodes_per_sample > 0 for each in items.values()]).any(0)
