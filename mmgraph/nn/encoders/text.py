"""From tokens to nodes."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes
from mmgraph.nn.encoders.recurrent import BidirectionalRNN, Cell


class TokenEncoder(nn.Module):
    r"""Token embeddings, with pretrained features where there are any, read both ways.

    .. math::
        e_t &= \mathrm{Embedding}(w_t) + W (f_t - \mu) / \sigma \\
        x_t &= \mathrm{LayerNorm}(e_t + \mathrm{RNN}(e)_t)

    Every text is read by itself, also when a sample has several. Takes `Items` with `ids`
    and, if the modality was fitted with them, `features`.

    Args:
        vocabulary_size: Number of token ids; id 0 is padding.
        channels: Features of a node.
        cell: Kind of recurrent layer. Default: "gru".
        mean: Mean of the pretrained features over the training tokens; None without features.
            Default: None.
        std: Their standard deviation. Default: None.
        num_layers: Recurrent layers. Default: 1.
        dropout: Probability of a zero in front of the recurrent layers, in training. Default: 0.1.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        vocabulary_size: int,
        channels: int,
        *,
        cell: Cell = "gru",
        mean: Float[Tensor, "features"] | None = None,
        std: Float[Tensor, "features"] | None = None,
        num_layers: int = 1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, channels, padding_idx=0)
        self.project = None
        if mean is not None and std is not None:
            self.register_buffer("mean", mean.clone())
            self.register_buffer("std", std.clone())
            self.project = nn.Linear(len(mean), channels, bias=False)
            # Pretrained features know the words; what is learnt of each begins as a nuance.
            with torch.no_grad():
                self.embedding.weight.mul_(0.02)
        self.dropout = nn.Dropout(dropout)
        self.rnn = BidirectionalRNN(channels, channels, cell, num_layers, dropout)
        self.norm = nn.LayerNorm(channels)

    def forward(self, items: Items) -> Nodes:
        """Return a node for every token."""
        x = self.embedding(items.data["ids"])  # [flat, channels]
        if self.project is not None:
            x = x + self.project((items.data["features"] - self.mean) / self.std)
        x = self.dropout(x)
        x = self.norm(x + self.rnn.read_flat(x, items))
        return items.nodes(x)
