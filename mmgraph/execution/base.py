"""What a dense form of a PyG convolution is, and the attention that several of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing

from mmgraph.relations import Stencil


class DenseForm(ABC):
    """The function of one PyG convolution, computed on padded nodes instead of an edge list.

    The convolution stays the owner of its weights; a dense form only reads them.
    """

    operator: ClassVar[type[MessagePassing]]
    aggregations: ClassVar[tuple[str, ...]] = ("add", "sum")

    def reason(self, conv: MessagePassing) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        if conv.aggr not in self.aggregations:
            return f"aggr={conv.aggr!r} is not one of {self.aggregations}"
        if conv.flow != "source_to_target":
            return f"flow={conv.flow!r} is not 'source_to_target'"
        if conv.explain or conv._forward_hooks or conv._forward_pre_hooks:
            return "an explainer or a hook watches its edges"
        return None

    @abstractmethod
    def forward(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch source in_source"],
        target: Float[Tensor, "batch target in_target"],
        reach: Bool[Tensor, "batch #target source"],
    ) -> Float[Tensor, "batch target out"]:
        """Compute `conv((source, target), edge_index)` for the edges that `reach` marks.

        Args:
            conv: A convolution without a `reason`.
            source: Padded features of the source nodes, at least one a sample.
            target: Padded features of the target nodes; padded rows give finite nonsense.
            reach: True where a target hears a source, as made by `Relation.reach`.
        """

    @abstractmethod
    def forward_near(
        self,
        conv: MessagePassing,
        source: Float[Tensor, "batch nodes in_source"],
        target: Float[Tensor, "batch nodes in_target"],
        near: Stencil,
    ) -> Float[Tensor, "batch nodes out"]:
        """Compute the same for edges that are a stencil.

        Args:
            conv: A convolution without a `reason`.
            source: Padded features of the nodes, as sources.
            target: Padded features of the same nodes, as targets.
            near: The neighbours of each node, as made by `Relation.stencil`.
        """


def attention_reason(conv: MessagePassing) -> str | None:
    """Say why an attention with self loops or edge features cannot run densely."""
    if conv.edge_dim is not None:
        return "edge features (edge_dim) have no dense form"
    if getattr(conv, "add_self_loops", False):
        return "add_self_loops=True joins unrelated nodes of two node types"
    return None


def open_rows(
    reach: Bool[Tensor, "batch #target source"],
) -> tuple[Bool[Tensor, "batch 1 #target source"], Bool[Tensor, "batch 1 #target 1"]]:
    """Return a mask no row of which is empty, and which rows were not empty before.

    A softmax over an empty row is NaN and poisons the gradients of every other row. So such
    rows attend to everything, and what they gather is set to zero afterwards.
    """
    hears = reach.any(2, keepdim=True)
    return (reach | ~hears).unsqueeze(1), hears.unsqueeze(1)


def attend(
    logits: Float[Tensor, "batch heads target source"],
    value: Float[Tensor, "batch heads source channels"],
    reach: Bool[Tensor, "batch #target source"],
    dropout: float,
) -> Float[Tensor, "batch heads target channels"]:
    """Softmax the logits over each row's neighbours and sum their values; 0 without any."""
    allowed, hears = open_rows(reach)
    weight = logits.masked_fill(~allowed, -float("inf")).softmax(3)
    return (F.dropout(weight, dropout) @ value) * hears


def split_heads(
    x: Float[Tensor, "batch nodes wide"], heads: int
) -> Float[Tensor, "batch {heads} nodes channels"]:
    """Cut the last axis into heads and move them in front of the nodes."""
    return x.unflatten(2, (heads, -1)).transpose(1, 2)


def join_heads(
    x: Float[Tensor, "batch heads nodes channels"], concat: bool
) -> Float[Tensor, "batch nodes out"]:
    """Lay the heads side by side, or average them."""
    return x.transpose(1, 2).flatten(2) if concat else x.mean(1)


def shifted(
    x: Float[Tensor, "batch nodes wide"], near: Stencil
) -> list[Float[Tensor, "batch nodes wide"]]:
    """Return for each step what every node's neighbour holds, as views of one tensor."""
    width, margin = x.shape[1], max(abs(step) for step in near.steps)
    padded = F.pad(x, (0, 0, margin, margin))
    return [padded[:, margin + step : margin + step + width] for step in near.steps]


def attend_near(
    logits: list[Float[Tensor, "batch nodes heads"]],
    value: Float[Tensor, "batch nodes wide"],
    near: Stencil,
    dropout: float,
) -> Float[Tensor, "batch heads nodes channels"]:
    """Softmax the logits of the steps and sum the neighbours' values; 0 without any."""
    exists = near.exists.unsqueeze(3)
    stacked = torch.stack(logits, dim=2)  # [batch, nodes, steps, heads]
    # Empty rows get even weights, which the mask clears: -inf would make them NaN.
    weight = stacked.masked_fill(~exists, torch.finfo(stacked.dtype).min).softmax(2) * exists
    weights = F.dropout(weight, dropout).unsqueeze(4).unbind(2)
    heads = stacked.shape[3]
    values = [each.unflatten(2, (heads, -1)) for each in shifted(value, near)]
    gathered = [share * each for share, each in zip(weights, values, strict=True)]
    return sum(gathered[1:], start=gathered[0]).transpose(1, 2)
