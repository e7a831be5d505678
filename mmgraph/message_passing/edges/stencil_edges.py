"""Edges to neighbours at fixed steps: grids and chains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from mmgraph.message_passing.edges import stencil
from mmgraph.message_passing.edges.edges import DenseEdges, unchanged
from mmgraph.message_passing.edges.neighbours import Neighbours


@dataclass(frozen=True, eq=False)
class StencilEdges(DenseEdges):
    """Edges to neighbours at fixed steps; the layout of an `EdgeTensor` is [rows, heads, steps].

    Neighbours are of the same sample, so a step among padded nodes is the same among rows.

    Args:
        steps: How far behind (positive) or before (negative) a row its neighbour lies.
        exists: True where a row has the neighbour of a step.
    """

    features: Float[Tensor, "rows steps edge_dim"] | None
    steps: tuple[int, ...]
    exists: Bool[Tensor, "rows steps"]

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """What each target receives, as lists."""
        return Neighbours.by_steps(self.target, self.steps, self.exists)

    def reduce(
        self,
        x: Float[Tensor, "rows channels"],
        aggr: str,
        then: Callable[[Tensor], Tensor] = unchanged,
    ) -> Float[Tensor, "rows out"]:
        """Reduce what each target receives, 0 where it receives nothing, and map the result."""
        return then(self._max(x) if aggr == "max" else self._sum(x, aggr == "mean"))

    def _sum(self, x: Float[Tensor, "rows channels"], mean: bool) -> Float[Tensor, "rows channels"]:
        weight = self.exists.unsqueeze(1).to(x.dtype)
        if mean:
            weight = weight / weight.sum(2, keepdim=True).clamp(min=1)
        return stencil.gather(weight, x.unsqueeze(1), self.steps).squeeze(1)

    def _max(self, x: Float[Tensor, "rows channels"]) -> Float[Tensor, "rows channels"]:
        received = []
        for number, here, there in stencil.overlaps(len(x), self.steps):
            around = (0, 0, here.start, len(x) - here.stop)
            exists = self.exists[:, number, None]
            received.append(F.pad(x[there], around).masked_fill(~exists, -float("inf")))
        return torch.stack(received).amax(0).masked_fill(~self.exists.any(1, keepdim=True), 0)

    def dot(
        self,
        query: Float[Tensor, "rows heads channels"],
        key: Float[Tensor, "rows heads channels"],
    ) -> Float[Tensor, "rows heads steps"]:
        """Return the product of the two ends of each edge."""
        return stencil.dot(query, key, self.steps)

    def dot_features(
        self, query: Float[Tensor, "rows heads edge_dim"]
    ) -> Float[Tensor, "rows heads steps"]:
        """Return the product of each edge's target and its features."""
        assert self.features is not None
        return query @ self.features.mT

    def of_source(self, x: Float[Tensor, "rows heads"]) -> Float[Tensor, "rows heads steps"]:
        """Return what stands at the source of each edge."""
        return stencil.dot(torch.ones_like(x).unsqueeze(2), x.unsqueeze(2), self.steps)

    def of_target(self, x: Float[Tensor, "rows heads"]) -> Float[Tensor, "rows heads 1"]:
        """Return what stands at the target of each edge."""
        return x.unsqueeze(2)

    def softmax(
        self, logits: Float[Tensor, "rows heads steps"]
    ) -> Float[Tensor, "rows heads steps"]:
        """Normalise over what each target receives; 0 elsewhere."""
        exists = self.exists.unsqueeze(1)
        # Rows without neighbours get even weights first: with -inf they would be NaN.
        return logits.masked_fill(~exists, torch.finfo(logits.dtype).min).softmax(2) * exists

    def gather(
        self,
        weight: Float[Tensor, "rows heads steps"],
        value: Float[Tensor, "rows heads channels"],
    ) -> Float[Tensor, "rows heads channels"]:
        """Return the weighted sum of what each target receives."""
        return stencil.gather(weight, value, self.steps)

    def gather_features(
        self, weight: Float[Tensor, "rows heads steps"]
    ) -> Float[Tensor, "rows heads edge_dim"]:
        """Return the weighted sum of the features of each target's edges."""
        assert self.features is not None
        return weight @ self.features

    def padded(
        self, logits: Float[Tensor, "rows heads steps"]
    ) -> tuple[Float[Tensor, "batch heads nodes steps"], Bool[Tensor, "batch 1 nodes steps"]]:
        """Return the numbers by padded target, and which of them belong to an edge."""
        return self.target.pad(logits).transpose(1, 2), self.target.pad(self.exists).unsqueeze(1)

    def unpadded(
        self, weight: Float[Tensor, "batch heads nodes steps"]
    ) -> Float[Tensor, "rows heads steps"]:
        """Undo `padded`, with 0 where no edge is."""
        return self.target.pack(weight.transpose(1, 2)) * self.exists.unsqueeze(1)

    def listed(self, weight: Float[Tensor, "rows heads steps"]) -> Float[Tensor, "edges heads"]:
        """Return the numbers in the order of `Relation.edge_index`."""
        return weight.mT[self.exists]
