"""From log-mel frames to nodes."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.graph.items import Items, before_end
from mmgraph.graph.nodes import Nodes
from mmgraph.nn.encoders.recurrent import BidirectionalRNN, Cell


class MaskedConv(nn.Module):
    """A convolution over time and frequency that never sees what lies behind a clip's end.

    ReLU(norm(conv(x))), zero behind the end, which is what the convolution pads with as well:
    a clip in a batch gives what it gives alone. Batch normalisation
    (https://arxiv.org/abs/1502.03167) counts the real steps only.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: Of time and of frequency; both sizes are divided and rounded up.
    """

    def __init__(self, in_channels: int, channels: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm1d(channels)

    def forward(
        self, x: Float[Tensor, "items in_channels frames mels"], length: Int[Tensor, "items"]
    ) -> tuple[Float[Tensor, "items channels steps bands"], Int[Tensor, "items"]]:
        """Return the maps, and the number of real steps of each."""
        maps = self.conv(x).transpose(1, 2)  # [items, steps, channels, bands]
        length = torch.ceil(length / self.stride[0]).long()
        real = before_end(length, maps.shape[1])
        normed = F.relu(self._normed(maps[real]))
        maps = torch.zeros_like(maps).index_put((real,), normed)
        return maps.transpose(1, 2), length

    def _normed(
        self, maps: Float[Tensor, "steps channels bands"]
    ) -> Float[Tensor, "steps channels bands"]:
        norm = self.norm
        # A batch of which no sample has a sound has no statistics of its own.
        if self.training and maps.shape[0] * maps.shape[2] > 1:
            return norm(maps)
        return F.batch_norm(maps, norm.running_mean, norm.running_var, norm.weight, norm.bias)


class FrameEncoder(nn.Module):
    r"""Three convolutions over time and frequency, then a recurrent layer over the steps.

    .. math::
        e &= W \, \mathrm{flatten}(\mathrm{CNN}((m - \mu) / \sigma)) + b \\
        x_t &= \mathrm{LayerNorm}(e_t + \mathrm{RNN}(e)_t)

    A node stands for four frames. Takes `Items` with `mel` [items, frames, mels] and `frames`.

    Args:
        mels: Frequency bands.
        channels: Features of a node.
        cell: Kind of recurrent layer. Default: "gru".
        mean: Mean of each band over the training frames. Default: None.
        std: Their standard deviation. Default: None.
        width: Maps of the first convolution; the others have twice as many. Default: 32.
        dropout: Probability of a zero in front of the recurrent layer, in training. Default: 0.1.
    """

    #: Frames that become one node.
    stride: ClassVar[int] = 4
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mels: int,
        channels: int,
        *,
        cell: Cell = "gru",
        mean: Float[Tensor, "mels"] | None = None,
        std: Float[Tensor, "mels"] | None = None,
        width: int = 32,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(mels) if mean is None else mean.clone())
        self.register_buffer("std", torch.ones(mels) if std is None else std.clone())
        self.convs = nn.ModuleList(
            [
                MaskedConv(1, width, (2, 2)),
                MaskedConv(width, 2 * width, (2, 2)),
                MaskedConv(2 * width, 2 * width, (1, 2)),
            ]
        )
        self.project = nn.Linear(2 * width * math.ceil(mels / 8), channels)
        self.dropout = nn.Dropout(dropout)
        self.rnn = BidirectionalRNN(channels, channels, cell)
        self.norm = nn.LayerNorm(channels)

    def forward(self, items: Items) -> Nodes:
        """Return a node for every four frames."""
        x, frames = items.data["mel"], items.data["frames"]
        x = (x.to(self.mean.dtype) - self.mean) / self.std
        x = (x * before_end(frames, x.shape[1]).unsqueeze(2)).unsqueeze(1)
        length = frames
        for conv in self.convs:
            x, length = conv(x, length)
        x = x.transpose(1, 2).flatten(2)
        x = self.dropout(self.project(x))
        return items.nodes(items.pack(self.norm(x + self.rnn(x, length))))
