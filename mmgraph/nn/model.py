"""The whole model: encoders, fusion and head, with an additive model beside them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.items import Items
from mmgraph.nn.additive import AdditiveModel
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nodes import Nodes

#: Pull of the two parts' weights towards 1: as strong as this many held-out samples.
_PRIOR_SAMPLES = 10.0


class MultimodalClassifier(nn.Module):
    """Class logits from the items of several modalities.

    logits = w_0 additive(items) + w_1 head(fusion(encoders(items)))

    The two parts are trained apart, each on its own loss, so that neither explains away what
    the other could learn; `balance` then sets w on held-out samples.

    Args:
        encoders: `Items` to `Nodes` for every modality, by node type.
        fusion: From nodes to one vector a sample.
        num_classes: Number of classes.
        additive: Linear model on bags of the modalities, None to do without.
    """

    weights: Tensor

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        fusion: Fusion,
        num_classes: int,
        *,
        additive: AdditiveModel | None = None,
    ) -> None:
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fusion = fusion
        self.head = nn.Linear(fusion.out_channels, num_classes)
        self.additive = additive
        self.register_buffer("weights", torch.ones(2))

    def forward(self, items: Mapping[str, Items]) -> Float[Tensor, "batch classes"]:
        """Return the logits of both parts together."""
        logits = self.fused_logits(items)
        if self.additive is None:
            return self.weights[1] * logits
        return self.weights[0] * self.additive(items) + self.weights[1] * logits

    def nodes(self, items: Mapping[str, Items]) -> dict[str, Nodes]:
        """Return the encoded nodes of every modality, before any message passing."""
        return {name: encoder(items[name]) for name, encoder in self.encoders.items()}

    def fused(self, items: Mapping[str, Items]) -> Float[Tensor, "batch channels"]:
        """Return one vector a sample, all its modalities fused."""
        return self.fusion(self.nodes(items))

    def fused_logits(self, items: Mapping[str, Items]) -> Float[Tensor, "batch classes"]:
        """Return the logits of the fused vectors alone."""
        return self.head(self.fused(items))

    def balance(
        self,
        additive: Float[Tensor, "samples classes"],
        fused: Float[Tensor, "samples classes"],
        target: Int[Tensor, "samples"],
    ) -> None:
        """Set the weights of both parts by their cross-entropy on held-out samples.

        Args:
            additive: Logits of the additive part, fitted without these samples.
            fused: Logits of the fused part, trained without these samples.
            target: Class of each sample.
        """
        weights = self.weights.detach().clone().requires_grad_()
        optimizer = torch.optim.LBFGS([weights], max_iter=50, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            logits = weights[0] * additive + weights[1] * fused
            loss = F.cross_entropy(logits, target, reduction="sum")
            loss = loss + _PRIOR_SAMPLES * (weights - 1).square().sum()
            loss.backward()
            return loss

        with torch.enable_grad():
            optimizer.step(closure)
        # A part that only does harm is left out; it is never turned against itself.
        self.weights = weights.detach().clamp_min(0)
