"""The graph transformer's attention, without edge lists."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F
from torch_geometric.nn import MessagePassing, TransformerConv

from mmgraph.message_passing.base import Ends, LinearMap
from mmgraph.message_passing.convs.attention import AttentionForm, heads_of, join_heads
from mmgraph.message_passing.edges.edges import DenseEdges, EdgeTensor
from mmgraph.message_passing.edges.mask_edges import MaskEdges


class DenseTransformer(AttentionForm):
    r"""`TransformerConv` as scaled dot-product attention.

    https://arxiv.org/abs/2009.03509

    .. math::
        x_i' = W_1 x_i + \sum_{j \in N(i)} \alpha_{ij} (W_2 x_j + W_6 e_{ij}), \quad
        \alpha_{ij} = \mathrm{softmax}_j \left(
        (W_3 x_i)^T (W_4 x_j + W_6 e_{ij}) / \sqrt{d} \right)

    Edge features are never widened to channels: with :math:`W_6^T W_3 x_i` they give their part
    of a logit, and their weighted sum is widened once a node.
    """

    operator = TransformerConv

    def source_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the maps to values and keys."""
        return [LinearMap.of(conv.lin_value), LinearMap.of(conv.lin_key)]

    def target_maps(self, conv: MessagePassing, edges: DenseEdges) -> list[LinearMap]:
        """Return the map to queries, and the root where a gate needs it apart."""
        query = LinearMap.of(conv.lin_query)
        return [query, LinearMap.of(conv.lin_skip)] if conv.beta else [query]

    def root(self, conv: MessagePassing) -> LinearMap | None:
        """Return the root's map, unless a gate mixes it with the messages."""
        return LinearMap.of(conv.lin_skip) if conv.root_weight and not conv.beta else None

    def logits(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> EdgeTensor:
        """Return the logits of all edges."""
        query = heads_of(target.mapped[0], conv.heads) / math.sqrt(conv.out_channels)
        logits = edges.dot(query, heads_of(source.mapped[1], conv.heads))
        if conv.lin_edge is None:
            return logits
        return logits + edges.dot_features(torch.einsum("rhc,hcf->rhf", query, _widen(conv)))

    def messages(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target out"]:
        """Compute `conv((source, target), edge_index)` without its root, or with it if gated."""
        gathered = join_heads(self._gather(conv, source, target, edges), conv.concat)
        if not conv.beta:
            return gathered
        root = target.mapped[1]
        beta = conv.lin_beta(torch.cat([gathered, root, gathered - root], dim=-1)).sigmoid()
        return beta * root + (1 - beta) * gathered

    def _gather(
        self, conv: MessagePassing, source: Ends, target: Ends, edges: DenseEdges
    ) -> Float[Tensor, "target heads channels"]:
        value = heads_of(source.mapped[0], conv.heads)
        dropout = conv.dropout if conv.training else 0.0
        if conv.lin_edge is None and isinstance(edges, MaskEdges):
            query, key = (heads_of(x, conv.heads) for x in (target.mapped[0], source.mapped[1]))
            return edges.attend(query, key, value, dropout)
        weight = F.dropout(self.weights(conv, source, target, edges), dropout)
        gathered = edges.gather(weight, value)
        if conv.lin_edge is None:
            return gathered
        features = edges.gather_features(weight)
        return gathered + torch.einsum("rhf,hcf->rhc", features, _widen(conv))


def _widen(conv: MessagePassing) -> Float[Tensor, "heads channels edge_dim"]:
    """Return the map from edge features to each head's channels."""
    return conv.lin_edge.weight.unflatten(0, (conv.heads, -1))
