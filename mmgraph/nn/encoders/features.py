"""From precomputed features to nodes."""

from __future__ import annotations

from torch import nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.nn.encoders.recurrent import BidirectionalRNN, Cell


class VectorEncoder(nn.Module):
    r"""A linear map of every vector; a recurrent layer may read sequences of them both ways.

    .. math::
        h_t &= W f_t + b \\
        x_t &= \mathrm{LayerNorm}(h_t + \mathrm{RNN}(h)_t)

    Args:
        in_channels: Features of a vector.
        channels: Features of a node.
        cell: Kind of recurrent layer; None for none. Default: None.

    Shapes:
        Items with standardised `features` [nodes, in_channels] -> Nodes of the given channels
    """

    def __init__(self, in_channels: int, channels: int, *, cell: Cell | None = None) -> None:
        super().__init__()
        self.project = nn.Linear(in_channels, channels)
        self.rnn = None if cell is None else BidirectionalRNN(channels, channels, cell)
        self.norm = nn.LayerNorm(channels)

    def forward(self, items: Items) -> Nodes:
        """Return a node for every vector."""
        x = self.project(items.data["features"].to(self.project.weight.dtype))
        if self.rnn is not None:
            x = x + self.rnn.read_flat(x, items)
        return items.nodes(self.norm(x))
