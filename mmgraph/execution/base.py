"""What a dense form of a PyG convolution is, and the attention that several of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing


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
