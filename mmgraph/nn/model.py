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
from mmgraph.nn.tasks import Task

#: What `balance` starts from and is pulled towards where the linear model sees all modalities:
#: that part alone. The fused one has to prove itself, for its confidence is that of a network.
_LINEAR_ALONE = (1.0, 0.0)
#: How strong that pull is, in held-out samples.
_PRIOR_SAMPLES = 20.0


class MultimodalModel(nn.Module):
    """Logits from the items of several modalities.

    logits = w_0 linear(items) + w_1 head(fusion(encoders(items)))

    The two parts are trained apart, each on its own loss, so that neither explains away what
    the other could learn; `balance` then sets w on held-out samples. A sample without any
    item of any modality gets the logits of the task's prior.

    Args:
        encoders: From `Items` to `Nodes` for every modality, by node type.
        fusion: From nodes to one vector a sample.
        task: What the logits mean; it says how many there are.
        linear: Linear model on pooled features of the modalities, None to do without.
    """

    weights: Tensor

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        fusion: Fusion,
        task: Task,
        *,
        linear: LinearModel | None = None,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.task = task
        self.head = nn.Linear(fusion.out_channels, task.outputs)
        self.linear = linear
        start = 1.0 if linear is None else task.part_weight
        self.register_buffer("weights", torch.full((2,), start))

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch outputs"]:
        """Return the logits of both parts together, or of the prior where there is no input."""
        linear = None if self.linear is None else self.linear(items)
        return self.join(linear, self.fused_logits(items), has_input(items))

    def join(
        self,
        linear: Float[Tensor, "batch outputs"] | None,
        fused: Float[Tensor, "batch outputs"],
        present: Bool[Tensor, "batch"],
    ) -> Float[Tensor, "batch outputs"]:
        """Return the logits of both parts together.

        Args:
            linear: Logits of the linear model, None without one.
            fused: Logits of the fused part.
            present: True where a sample has any input; the others get the prior.
        """
        logits = self.weights[1] * fused
        if linear is not None:
            logits = logits + self.weights[0] * linear
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
        linear: Float[Tensor, "samples outputs"],
        fused: Float[Tensor, "samples outputs"],
        target: Shaped[Tensor, "samples *outputs"],
    ) -> None:
        """Set the weights of both parts by their loss on held-out samples.

        Args:
            linear: Logits of the linear model, fitted without these samples.
            fused: Logits of the fused part, trained without these samples.
            target: Target of each sample.
        """
        parts = torch.stack([linear, fused])
        weights = self._best_weights(parts, target, torch.ones(2))
        # A part that only does harm is left out; it is never turned against itself, and the
        # other one is weighed anew without it.
        if (weights < 0).any():
            weights = self._best_weights(parts, target, (weights > 0).float()).clamp_min(0)
        self.weights = weights

    def _best_weights(
        self,
        parts: Float[Tensor, "2 samples outputs"],
        target: Shaped[Tensor, "samples *outputs"],
        used: Float[Tensor, "2"],
    ) -> Float[Tensor, "2"]:
        start = torch.tensor(_LINEAR_ALONE)
        if self.linear is not None and not self.linear.sees_all:
            start = torch.full((2,), self.task.part_weight)
        weights = start.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([weights], max_iter=50, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            logits = torch.einsum("p,pso->so", weights * used, parts)
            loss = self.task.loss(logits, target, reduction="sum", weighted=False)
            loss = loss + _PRIOR_SAMPLES * (weights - start).square().sum()
            loss.backward()
            return loss

        with torch.enable_grad():
            optimizer.step(closure)
        return weights.detach() * used


def has_input(items: Mapping[str, Items]) -> Bool[Tensor, "batch"]:
    """True where a sample has a node in at least one modality."""
    return torch.stack([each.nodes_per_sample > 0 for each in items.values()]).any(0)
