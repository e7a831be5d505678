"""What the dense forms of attention operators share."""

from __future__ import annotations

from abc import abstractmethod

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing

from mmgraph.message_passing.base import DenseForm, Ends
from mmgraph.message_passing.edges.edges import DenseEdges, EdgeTensor


class AttentionForm(DenseForm):
    r"""A convolution that weighs what a node receives by a softmax.

    .. math::
        x_i' = \sum_{j \in N(i)} \mathrm{softmax}_j (l_{ij}) \, v_j
    """

    def reason(self, conv: MessagePassing) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        if getattr(conv, "add_self_loops", False):
            return "add_self_loops=True joins unrelated nodes of two node types"
        return super().reason(conv)

    @abstractmethod
    def logits(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> EdgeTensor:
        """Return the logits of all edges."""

    def weights(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> EdgeTensor:
        """Return the attention weights of all edges, without dropout."""
        return edges.softmax(self.logits(conv, source, target, edges))

    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)` without its root."""
        result = join_heads(self.received(conv, source, target, edges), conv.concat)
        return result if conv.bias is None else result + conv.bias

    def received(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target heads channels"]:
        """Return what each target receives, by head."""
        weight = F.dropout(self.weights(conv, source, target, edges), conv.dropout, conv.training)
        return edges.gather(weight, heads_of(source.mapped[0], conv.heads))


def heads_of(x: Float[Tensor, "rows wide"], heads: int) -> Float[Tensor, "rows {heads} channels"]:
    """Cut the channels into heads."""
    return x.unflatten(1, (heads, -1))


def join_heads(x: Float[Tensor, "rows heads channels"], concat: bool) -> Float[Tensor, "rows out"]:
    """Lay the heads side by side, or average them."""
    return x.flatten(1) if concat else x.mean(1)
