"""The graph attention network's attention, without edge lists."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import GATConv, MessagePassing

from mmgraph.message_passing.base import Ends, LinearMap
from mmgraph.message_passing.convs.attention import AttentionForm, heads_of
from mmgraph.message_passing.edges.edges import DenseEdges, EdgeTensor
from mmgraph.message_passing.fused import fusable, sum_attention


class DenseGAT(AttentionForm):
    r"""`GATConv` with one logit for each pair of nodes, never one vector.

    https://arxiv.org/abs/1710.10903

    .. math::
        x_i' = \sum_{j \in N(i)} \alpha_{ij} W x_j, \quad
        \alpha_{ij} = \mathrm{softmax}_j \left(
        \mathrm{LeakyReLU}(a_s^T W x_j + a_t^T W x_i + a_e^T W_e e_{ij}) \right)

    The products :math:`a^T W` are maps to one number a head, so targets are never mapped to
    vectors.
    """

    operator = GATConv

    def source_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the maps to values and to the source's part of the logits."""
        linear = conv.lin or conv.lin_src
        return [LinearMap.of(linear), LinearMap(_compose(conv.att_src, linear.weight))]

    def target_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the map to the target's part of the logits."""
        return [LinearMap(_compose(conv.att_dst, (conv.lin or conv.lin_dst).weight))]

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the residual's map, if there is one."""
        return residual(conv)

    def received(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target heads channels"]:
        """Return what each target receives, by a kernel where one does it."""
        neighbours = fusable(conv, source.x, edges)
        if neighbours is None:
            return super().received(conv, source, target, edges)
        value = heads_of(source.mapped[0], conv.heads)
        ends = source.mapped[1], target.mapped[0]
        return sum_attention(*ends, value, conv.negative_slope, neighbours)

    def logits(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> EdgeTensor:
        """Return the logits of all edges."""
        logits = edges.of_target(target.mapped[0]) + edges.of_source(source.mapped[1])
        if conv.lin_edge is not None:
            weight = _compose(conv.att_edge, conv.lin_edge.weight)  # [heads, edge_dim]
            logits = logits + edges.dot_features(weight.expand(target.x.shape[0], -1, -1))
        return F.leaky_relu(logits, conv.negative_slope)


def residual(conv: MessagePassing) -> LinearMap | None:
    """Return the residual's map of `GATConv` or `GATv2Conv`; PyG's layers have one since 2.6."""
    linear = getattr(conv, "res", None)
    return None if linear is None else LinearMap.of(linear)


def _compose(
    attention: Float[Tensor, "1 heads channels"], weight: Float[Tensor, "heads*channels in"]
) -> Float[Tensor, "heads in"]:
    """Return the map of features to each head's product with its attention vector."""
    heads = attention.shape[1]
    return (attention[0].unsqueeze(2) * weight.unflatten(0, (heads, -1))).sum(1)
