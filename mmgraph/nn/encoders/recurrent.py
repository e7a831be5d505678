"""Recurrent layers over padded sequences of different lengths, exact and quick."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from mmgraph.graph.items import Items, before_end

Cell = Literal["gru", "lstm"]


class BidirectionalRNN(nn.Module):
    r"""GRU or LSTM in both directions, where padding changes nothing.

    .. math:: h_t = [\overrightarrow{\mathrm{RNN}}(x)_t, \overleftarrow{\mathrm{RNN}}(x)_t]

    Instead of packing, which is slower and fails on empty sequences, the backward layer is a
    one-way layer on each sequence reversed within its own length. Padding then always comes
    after the last real step, in either direction.

    Args:
        channels_in: Features of a step.
        channels_out: Features of a step afterwards, both directions together; at least 2.
        cell: "gru" ([Cho et al., 2014](https://arxiv.org/abs/1406.1078)) or "lstm". Default: "gru".
        num_layers: Number of layers; each but the first reads both directions of the one below.
            Default: 1.
        dropout: Probability of a zero between layers, in training. Default: 0.0.

    Example:
        >>> rnn = BidirectionalRNN(8, 6)
        >>> rnn(torch.randn(3, 5, 8), torch.tensor([5, 0, 2])).shape
        torch.Size([3, 5, 6])
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        cell: Cell = "gru",
        num_layers: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if channels_out < 2:
            raise ValueError(f"channels_out must be at least 2, got {channels_out}")
        layer = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        half = channels_out // 2
        inputs = [channels_in] + [channels_out] * (num_layers - 1)
        self.forwards = nn.ModuleList(
            layer(size, channels_out - half, batch_first=True) for size in inputs
        )
        self.backwards = nn.ModuleList(layer(size, half, batch_first=True) for size in inputs)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Float[Tensor, "items length channels_in"], length: Int[Tensor, "items"]
    ) -> Float[Tensor, "items length channels_out"]:
        """Return the states of every step; zero behind the end of a sequence.

        Args:
            x: Sequences padded to the longest.
            length: Number of real steps of each, from 0.
        """
        items, steps, _ = x.shape
        # Torch's layers refuse empty batches; on one step of padding every parameter still
        # takes part, so that gradients are zero and not absent.
        x = functional.pad(x, (0, 0, 0, int(steps == 0), 0, int(items == 0)))
        length = functional.pad(length, (0, int(items == 0)))
        real, turned = _reversal(length, x.shape[1])
        for number, (ahead, back) in enumerate(zip(self.forwards, self.backwards, strict=True)):
            if number:
                x = self.dropout(x)
            there = ahead(x)[0]
            again = _take(back(_take(x, turned))[0], turned)
            x = torch.cat([there, again], dim=2)
        return x.masked_fill(~real.unsqueeze(2), 0.0)[:items, :steps]

    def read_flat(
        self, x: Float[Tensor, "flat channels_in"], items: Items
    ) -> Float[Tensor, "flat channels_out"]:
        """Return the states of sequences that lie one behind the other.

        Args:
            x: Steps of all sequences.
            items: The items that are read, each a sequence.
        """
        return items.pack(self(items.pad(x), items.length), x.shape[0])


def _reversal(length: Int[Tensor, "items"], steps: int) -> tuple[Tensor, Tensor]:
    """Say which steps are real, and where each comes from when real steps change order."""
    step = torch.arange(steps, device=length.device)
    real = before_end(length, steps)
    return real, torch.where(real, length.unsqueeze(1) - 1 - step, step)


def _take(
    x: Float[Tensor, "items length channels"], index: Int[Tensor, "items length"]
) -> Float[Tensor, "items length channels"]:
    return x.gather(1, index.unsqueeze(2).expand_as(x))
