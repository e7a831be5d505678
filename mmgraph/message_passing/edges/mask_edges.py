"""Edges by a mask over all pairs of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from mmgraph.message_passing.edges.edges import DenseEdges, unchanged
from mmgraph.message_passing.edges.neighbours import Neighbours
from mmgraph.message_passing.packing import PackedNodes


@dataclass(frozen=True, eq=False)
class MaskEdges(DenseEdges):
    """Edges by a mask; the layout of an `EdgeTensor` is [batch, heads, target, source].

    Args:
        reach: True where a target receives messages from a source, as made by `Relation.reach`.
    """

    features: Float[Tensor, "#batch #target #source edge_dim"] | None
    reach: Bool[Tensor, "batch #target source"]

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """What each target receives, as lists."""
        return Neighbours.by_mask(self.source, self.target, self.reach)

    @cached_property
    def receives(self) -> Bool[Tensor, "batch #target 1"]:
        """Which targets receive anything."""
        return self.reach.any(2, keepdim=True)

    @cached_property
    def closed(self) -> Bool[Tensor, "batch 1 #target source"] | None:
        """Which pairs attention leaves out; None if none.

        A softmax over an empty row is NaN and poisons the gradients of every other row. So
        such rows attend to everything, and `gather` clears them.
        """
        closed = ~self.reach & self.receives
        return closed.unsqueeze(1) if closed.any() else None

    def reduce(
        self,
        x: Float[Tensor, "source channels"],
        aggr: str,
        then: Callable[[Tensor], Tensor] = unchanged,
    ) -> Float[Tensor, "target out"]:
        """Reduce what each target receives, 0 where it receives nothing, and map the result."""
        padded = self.source.pad(x)
        reduced = self._max(padded) if aggr == "max" else self.reach.to(x.dtype) @ padded
        if aggr == "mean":
            reduced = reduced / self.reach.sum(2, keepdim=True).clamp(min=1)
        # One row a sample is mapped before it is repeated, many only where they are real.
        one = reduced.shape[1] == 1
        return self._to_rows(then(reduced)) if one else then(self._to_rows(reduced))

    def _max(
        self, x: Float[Tensor, "batch source channels"]
    ) -> Float[Tensor, "batch #target channels"]:
        """Return the largest value of each neighbourhood; 0 without any.

        Only as many candidates are gathered as the largest neighbourhood has, so that few edges
        do not need a tensor of all pairs.
        """
        if not self.reach.numel():
            return x.new_zeros(*self.reach.shape[:2], x.shape[2])
        if self.reach.shape[1] == 1:
            largest = x.masked_fill(~self.reach.mT, -float("inf")).amax(1, keepdim=True)
            return largest.masked_fill(~self.receives, 0)
        most = max(int(self.reach.sum(2).max()), 1)
        slot = self.reach.to(x.dtype).topk(most, dim=2).indices  # [batch, target, most]
        exists = self.reach.gather(2, slot).unsqueeze(3)
        sample = torch.arange(len(x), device=x.device).view(-1, 1, 1)
        received = x[sample, slot].masked_fill(~exists, -float("inf"))
        return received.amax(2).masked_fill(~self.receives, 0)

    def dot(
        self,
        query: Float[Tensor, "target heads channels"],
        key: Float[Tensor, "source heads channels"],
    ) -> Float[Tensor, "batch heads nodes_target nodes_source"]:
        """Return the product of the two ends of each edge."""
        return by_head(self.target, query) @ by_head(self.source, key).mT

    def dot_features(
        self, query: Float[Tensor, "target heads edge_dim"]
    ) -> Float[Tensor, "batch heads nodes_target nodes_source"]:
        """Return the product of each edge's target and its features."""
        return torch.einsum("bthf,btsf->bhts", self.target.pad(query), self._all_features())

    def of_source(
        self, x: Float[Tensor, "source heads"]
    ) -> Float[Tensor, "batch heads 1 nodes_source"]:
        """Return what stands at the source of each edge."""
        return self.source.pad(x).mT.unsqueeze(2)

    def of_target(
        self, x: Float[Tensor, "target heads"]
    ) -> Float[Tensor, "batch heads nodes_target 1"]:
        """Return what stands at the target of each edge."""
        return self.target.pad(x).mT.unsqueeze(3)

    def softmax(
        self, logits: Float[Tensor, "batch heads nodes_target nodes_source"]
    ) -> Float[Tensor, "batch heads nodes_target nodes_source"]:
        """Normalise over what each target receives; anything where it receives nothing."""
        if self.closed is not None:
            logits = logits.masked_fill(self.closed, -float("inf"))
        return logits.softmax(3)

    def gather(
        self,
        weight: Float[Tensor, "batch heads nodes_target nodes_source"],
        value: Float[Tensor, "source heads channels"],
    ) -> Float[Tensor, "target heads channels"]:
        """Return the weighted sum of what each target receives."""
        return self.received((weight @ by_head(self.source, value)).transpose(1, 2))

    def gather_features(
        self, weight: Float[Tensor, "batch heads nodes_target nodes_source"]
    ) -> Float[Tensor, "target heads edge_dim"]:
        """Return the weighted sum of the features of each target's edges."""
        return self.received(torch.einsum("bhts,btsf->bthf", weight, self._all_features()))

    def attend(
        self,
        query: Float[Tensor, "target heads channels"],
        key: Float[Tensor, "source heads channels"],
        value: Float[Tensor, "source heads channels"],
        dropout: float,
    ) -> Float[Tensor, "target heads channels"]:
        """Return scaled dot-product attention by torch's own kernel, which keeps no weights."""
        gathered = F.scaled_dot_product_attention(
            by_head(self.target, query),
            by_head(self.source, key),
            by_head(self.source, value),
            attn_mask=None if self.closed is None else ~self.closed,
            dropout_p=dropout,
        )
        return self.received(gathered.transpose(1, 2))

    def padded(
        self, logits: Float[Tensor, "batch heads nodes_target nodes_source"]
    ) -> tuple[
        Float[Tensor, "batch heads nodes_target nodes_source"],
        Bool[Tensor, "batch 1 #nodes_target nodes_source"],
    ]:
        """Return the numbers by padded target, and which of them belong to an edge."""
        return logits, self.reach.unsqueeze(1)

    def unpadded(
        self, weight: Float[Tensor, "batch heads nodes_target nodes_source"]
    ) -> Float[Tensor, "batch heads nodes_target nodes_source"]:
        """Undo `padded`."""
        return weight

    def listed(
        self, weight: Float[Tensor, "batch heads nodes_target nodes_source"]
    ) -> Float[Tensor, "edges heads"]:
        """Return the numbers in the order of `Relation.edge_index`."""
        return weight.permute(0, 2, 3, 1)[self.reach & self.target.mask.unsqueeze(2)]

    def _to_rows(self, x: Tensor) -> Tensor:
        """Pack what belongs to padded targets, or to all targets of a sample alike."""
        return self.target.pack(x.expand(-1, self.target.mask.shape[1], *x.shape[2:]))

    def received(
        self, x: Float[Tensor, "batch nodes_target heads channels"]
    ) -> Float[Tensor, "target heads channels"]:
        """Pack what targets received, 0 where they receive nothing."""
        rows = self.target.pack(x)
        return rows if self.receives.all() else rows * self._to_rows(self.receives).unsqueeze(2)

    def _all_features(self) -> Float[Tensor, "batch nodes_target nodes_source edge_dim"]:
        assert self.features is not None
        shape = self.reach.shape[0], self.target.mask.shape[1], self.source.mask.shape[1]
        return self.features.expand(*shape, -1)


def by_head(
    rows: PackedNodes, x: Float[Tensor, "rows heads channels"]
) -> Float[Tensor, "batch heads nodes channels"]:
    """Pad rows and put the heads in front of the nodes, as batched products take them."""
    return rows.pad(x).transpose(1, 2)
