"""The heterogeneous graph transformer, without edge lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch_geometric.nn import HGTConv, Linear

from mmgraph.message_passing.base import LinearMap, apply_maps, plain_reason
from mmgraph.message_passing.convs.attention import heads_of
from mmgraph.message_passing.edges.edges import DenseEdges, EdgeTensor
from mmgraph.typing import EdgeType

XDict = Mapping[str, Float[Tensor, "_ _"]]
EdgesDict = Mapping[EdgeType, DenseEdges]


class DenseHGT:
    r"""`HGTConv`, which takes all edge types at once: one softmax over all a node receives.

    https://arxiv.org/abs/2003.01332

    .. math::
        x_i' = W_{o} \, \mathrm{GELU} \Bigl( \sum_{r, j \in N_r(i)} \alpha_{ij}^r M_r V x_j
        \Bigr), \quad
        \alpha_{ij}^r = \mathrm{softmax}_{r, j} \left(
        \frac{\mu_r}{\sqrt{d}} (Q x_i)^T A_r K x_j \right)

    The relations' own maps :math:`A_r` and :math:`M_r` are multiplied into the keys' and the
    values' before these see a node.
    """

    operator = HGTConv

    def reason(self, conv: HGTConv) -> str | None:
        """Say why this convolution cannot run densely, or None when it can."""
        lins = [*conv.kqv_lin.lins.values(), *conv.out_lin.lins.values()]
        for linear in lins:
            if type(linear) not in (Linear, nn.Linear):
                return f"it has a {type(linear).__name__}, not a plain linear layer"
        return plain_reason(conv)

    def forward(self, conv: HGTConv, x_dict: XDict, edges_dict: EdgesDict) -> dict[str, Tensor]:
        """Compute `conv(x_dict, edge_index_dict)`.

        Args:
            conv: A convolution without a `reason`.
            x_dict: Features of the real nodes of each type.
            edges_dict: The edges of all edge types of the convolution.
        """
        mapped = _Mapped(conv, x_dict, edges_dict)
        total: dict[str, Tensor] = {}
        for edge_type, weight in _weights(conv, mapped, edges_dict).items():
            target = edge_type[2]
            message = edges_dict[edge_type].gather(weight, mapped.value[edge_type])
            total[target] = total[target] + message if target in total else message
        return {name: _finish(conv, name, x.flatten(1), x_dict[name]) for name, x in total.items()}

    def weights(
        self, conv: HGTConv, x_dict: XDict, edges_dict: EdgesDict
    ) -> dict[EdgeType, EdgeTensor]:
        """Return the attention weights, which sum to 1 over all relations of a target node."""
        return _weights(conv, _Mapped(conv, x_dict, edges_dict), edges_dict)


class _Mapped:
    """Queries of each target node type, keys and values of each edge type."""

    def __init__(self, conv: HGTConv, x_dict: XDict, edges_dict: EdgesDict) -> None:
        self.query: dict[str, Tensor] = {}
        self.key: dict[EdgeType, Tensor] = {}
        self.value: dict[EdgeType, Tensor] = {}
        targets = {edge_type[2] for edge_type in edges_dict}
        for name, x in x_dict.items():
            key, query, value = _thirds(conv.kqv_lin.lins[name])
            outgoing = [edge_type for edge_type in edges_dict if edge_type[0] == name]
            maps = [query] if name in targets else []
            for edge_type in outgoing:
                to_key, to_value = _relation_maps(conv, edge_type)
                maps += [_after(key, to_key), _after(value, to_value)]
            parts = iter([heads_of(each, conv.heads) for each in apply_maps(x, maps)])
            if name in targets:
                self.query[name] = next(parts)
            for edge_type in outgoing:
                self.key[edge_type], self.value[edge_type] = next(parts), next(parts)


def _thirds(linear: Any) -> tuple[LinearMap, LinearMap, LinearMap]:
    """Return the maps to keys, queries and values, which lie in one layer in this order."""
    weights = linear.weight.chunk(3)
    biases = (None, None, None) if linear.bias is None else linear.bias.chunk(3)
    key, query, value = (LinearMap(*each) for each in zip(weights, biases, strict=True))
    return key, query, value


def _relation_maps(
    conv: HGTConv, edge_type: EdgeType
) -> tuple[Float[Tensor, "heads in out"], Float[Tensor, "heads in out"]]:
    """Return a relation's maps of keys, scaled for the logits, and of values."""
    number = conv.edge_types_map[edge_type]
    key, value = (
        each.weight.unflatten(0, (conv.heads, -1))[:, number] for each in (conv.k_rel, conv.v_rel)
    )
    scale = conv.p_rel["__".join(edge_type)] / math.sqrt(key.shape[1])
    return key * scale.view(-1, 1, 1), value


def _after(first: LinearMap, then: Float[Tensor, "heads in out"]) -> LinearMap:
    """Return one map for a map and the map of each head that follows it."""
    heads = len(then)
    weight = then.mT @ first.weight.unflatten(0, (heads, -1))
    if first.bias is None:
        return LinearMap(weight.flatten(0, 1))
    bias = then.mT @ first.bias.view(heads, -1, 1)
    return LinearMap(weight.flatten(0, 1), bias.flatten())


def _weights(conv: HGTConv, mapped: _Mapped, edges_dict: EdgesDict) -> dict[EdgeType, EdgeTensor]:
    result: dict[EdgeType, EdgeTensor] = {}
    for target, query in mapped.query.items():
        into = {kind: edges for kind, edges in edges_dict.items() if kind[2] == target}
        logits = [edges.dot(query, mapped.key[kind]) for kind, edges in into.items()]
        result.update(zip(into, joint_softmax(list(into.values()), logits), strict=True))
    return result


def joint_softmax(edges: list[DenseEdges], logits: list[EdgeTensor]) -> list[EdgeTensor]:
    """Normalise over what each target receives along all relations together."""
    if len(edges) == 1:
        return [edges[0].softmax(logits[0])]
    padded = [each.padded(logit) for each, logit in zip(edges, logits, strict=True)]
    # A target that receives nothing gets even weights, which `gather` makes 0: with -inf they
    # would be NaN. Where it receives along one relation only, those of the others are 0.
    least = torch.finfo(logits[0].dtype).min
    tracing = torch.compiler.is_compiling()  # what is traced must do for other edges too
    masked = [
        x if not tracing and exists.all() else x.masked_fill_(~exists, least)
        for x, exists in padded
    ]
    parts = _split_softmax(masked) if tracing else _JointSoftmax.apply(*masked)
    return [each.unpadded(part) for each, part in zip(edges, parts, strict=True)]


def _split_softmax(parts: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return the parts of one softmax along the last axis."""
    return torch.cat(list(parts), dim=3).softmax(3).split([x.shape[3] for x in parts], dim=3)


class _JointSoftmax(Function):
    """As `_split_softmax`, with a third of the memory in the backward pass."""

    @staticmethod
    def forward(ctx: Any, *parts: Tensor) -> tuple[Tensor, ...]:
        weights = _split_softmax(parts)
        ctx.save_for_backward(*weights)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
        weights = ctx.saved_tensors
        parts = [grad * weight for grad, weight in zip(grads, weights, strict=True)]
        mean = sum(part.sum(3, keepdim=True) for part in parts)
        return tuple(
            part.addcmul_(weight, mean, value=-1)
            for part, weight in zip(parts, weights, strict=True)
        )


def _finish(
    conv: HGTConv,
    name: str,
    received: Float[Tensor, "rows out"],
    x: Float[Tensor, "rows in"],
) -> Float[Tensor, "rows out"]:
    """Map what was received and mix it with the node's own features, as `HGTConv` does."""
    result = conv.out_lin.lins[name](F.gelu(received))
    if result.shape[1] != x.shape[1]:
        return result
    alpha = conv.skip[name].sigmoid()
    return alpha * result + (1 - alpha) * x
