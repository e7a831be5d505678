"""Readouts: from the nodes of one modality to one vector a sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch_geometric.nn.aggr import AttentionalAggregation, Set2Set

from mmgraph.errors import unknown_name
from mmgraph.graph.nodes import Nodes

ReadoutKind = Literal["mean", "max", "sum", "attention", "set2set"]
#: A name of `READOUTS`, or a class or function that makes a module from the channels; the module
#: maps `Nodes` to one vector a sample, as `Readout` does.
ReadoutLike = ReadoutKind | Callable[[int], nn.Module]

#: The kinds of `Readout` by name.
READOUTS: tuple[str, ...] = get_args(ReadoutKind)


class Readout(nn.Module):
    r"""PyG's aggregations over the nodes of a sample; zeros for a sample without nodes.

    All but "set2set" (https://arxiv.org/abs/1511.06391) run on the padded nodes; "attention"
    (https://arxiv.org/abs/1511.05493) is

    .. math::
        r = \sum_i \mathrm{softmax}_i (w^T x_i) \, x_i

    Args:
        kind: How nodes are combined.
        channels: Size of a node's and of the result's features.
        processing_steps: Rounds of "set2set". Default: 3.

    Raises:
        ValueError: There is no such kind.

    Example:
        >>> nodes = Nodes.from_flat(torch.tensor([[1.0], [3.0]]), sample=torch.tensor([0, 0]),
        ...     batch_size=2)
        >>> Readout("mean", 1)(nodes).tolist()
        [[2.0], [0.0]]
    """

    def __init__(self, kind: ReadoutKind, channels: int, *, processing_steps: int = 3) -> None:
        super().__init__()
        self.kind = kind
        self.channels = channels
        self.aggr: nn.Module | None = None
        if kind == "attention":
            # Without bias: a softmax ignores a constant, so it would never be trained.
            self.aggr = AttentionalAggregation(nn.Linear(channels, 1, bias=False))
        elif kind == "set2set":
            self.aggr = Set2Set(channels, processing_steps)
            self.lin = nn.Linear(2 * channels, channels)
        elif kind not in READOUTS:
            raise ValueError(unknown_name("readout", kind, READOUTS))

    def forward(self, nodes: Nodes) -> Float[Tensor, "batch channels"]:
        """Combine the nodes of each sample."""
        present = nodes.mask.any(1, keepdim=True)
        if self.kind == "set2set":
            return self._set2set(nodes) * present
        if self.kind == "sum":
            return nodes.x.sum(1)
        if self.kind == "mean":
            return nodes.x.sum(1) / nodes.mask.sum(1, keepdim=True).clamp(min=1)
        if self.kind == "max":
            return _maximum(nodes)
        return self._attention(nodes) * present

    def weights(self, nodes: Nodes) -> Float[Tensor, "batch nodes"]:
        """Return the share of each node in the "attention" readout.

        Raises:
            ValueError: The readout is of another kind.
        """
        if not isinstance(self.aggr, AttentionalAggregation):
            raise ValueError(f'readout "{self.kind}" has no weights of nodes, "attention" has')
        logits = self.aggr.gate_nn(nodes.x).squeeze(2)
        # An empty row would be NaN, so its weights are even until the mask clears them.
        lowest = torch.finfo(logits.dtype).min
        return logits.masked_fill(~nodes.mask, lowest).softmax(1) * nodes.mask

    def _attention(self, nodes: Nodes) -> Float[Tensor, "batch channels"]:
        return (self.weights(nodes).unsqueeze(1) @ nodes.x).squeeze(1)

    def _set2set(self, nodes: Nodes) -> Float[Tensor, "batch channels"]:
        sample = nodes.mask.nonzero()[:, 0]
        assert self.aggr is not None
        return self.lin(self.aggr(nodes.flat(), sample, dim_size=nodes.batch_size))


def _maximum(nodes: Nodes) -> Float[Tensor, "batch channels"]:
    if nodes.mask.shape[1] == 0:
        return nodes.x.sum(1)
    lowest = torch.finfo(nodes.x.dtype).min
    largest = nodes.x.masked_fill(~nodes.mask.unsqueeze(2), lowest).amax(1)
    return largest.masked_fill(~nodes.mask.any(1, keepdim=True), 0)


def make_readout(readout: ReadoutLike, channels: int) -> nn.Module:
    """Return a readout, given its name, its class or a function of the channels.

    Raises:
        ValueError: There is no such readout.
    """
    check_readout(readout)
    return readout(channels) if callable(readout) else Readout(readout, channels)


def check_readout(readout: object) -> None:
    """Refuse what `make_readout` could make nothing of.

    Raises:
        ValueError: There is no such readout.
    """
    if isinstance(readout, str):
        if readout not in READOUTS:
            raise ValueError(unknown_name("readout", readout, READOUTS))
    elif not callable(readout) or isinstance(readout, nn.Module):
        raise ValueError(
            f"readout: expected one of {', '.join(READOUTS)}, or a class or function that makes a "
            f"module from the channels, got {readout!r}"
        )
