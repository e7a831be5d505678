"""Attention bottlenecks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.attention import NodeAttention, make_feed_forward
from mmgraph.nn.fusion.base import Fusion, check_modalities, find_present
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.readout import ReadoutLike


class BottleneckFusion(Fusion):
    r"""Modalities attend to themselves, and to each other through a few shared tokens only.

    Multimodal bottleneck Transformer (https://arxiv.org/abs/2107.00135):

    .. math::
        [x_m^{(l+1)}, t_m] = \mathrm{Transformer}_m^{(l)} ([x_m^{(l)}, t^{(l)}]), \qquad
        t^{(l+1)} = \operatorname{mean}_{m \, \mathrm{present}} t_m

    with learnt tokens t^(0). The nodes are then read out and concatenated as in `ConcatFusion`,
    where the paper averages logits of one class token a modality. Positions are left to the
    encoders. A missing modality has no part in the mean, and is zeros in the concatenation.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a channel of what nodes receive, and of a feature of the result, to
            be dropped. Default: 0.2.
        num_layers: Number of rounds; modalities receive messages from each other from the second
            one on. Default: 2.
        heads: Number of heads of each attention. Default: 4.
        tokens: Number of shared tokens. Default: 4.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Raises:
        ValueError: `channels` is not a multiple of `heads`.

    Example:
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> BottleneckFusion(["text"], 8)({"text": text}).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        modalities: Iterable[str],
        channels: int,
        *,
        readout: ReadoutLike = "attention",
        dropout: float = 0.2,
        num_layers: int = 2,
        heads: int = 4,
        tokens: int = 4,
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.concat = ConcatFusion(modalities, channels, readout=readout, dropout=dropout)
        self.tokens = nn.Parameter(0.02 * torch.randn(tokens, channels))  # the paper's scale
        self.layers = nn.ModuleList(
            nn.ModuleDict(
                {name: SelfAttention(channels, heads, dropout) for name in self.concat.readouts}
            )
            for _ in range(num_layers)
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        check_modalities(self.concat.readouts, nodes)
        present = find_present(self.concat.readouts, nodes)
        share = present / present.sum(1, keepdim=True).clamp(min=1)  # [batch, modalities]
        tokens = self.tokens.expand(present.shape[0], -1, -1)  # [batch, tokens, channels]
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleDict)
            results = {name: block(nodes[name], tokens) for name, block in layer.items()}
            nodes = {name: changed for name, (changed, _) in results.items()}
            received = torch.stack([own for _, own in results.values()], dim=1)
            tokens = torch.einsum("bm,bmtc->btc", share.to(received.dtype), received)
        return self.concat(nodes)


class SelfAttention(nn.Module):
    """One layer of a Transformer over the nodes of a modality and the shared tokens.

    Args:
        channels: Features of every node, before and after.
        heads: Number of heads.
        dropout: Probability of a channel of what nodes receive to be dropped.
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = NodeAttention(channels, heads, dropout)
        self.feed_forward = make_feed_forward(channels)

    def forward(
        self, nodes: Nodes, tokens: Float[Tensor, "batch tokens channels"]
    ) -> tuple[Nodes, Float[Tensor, "batch tokens channels"]]:
        """Return the nodes and the tokens with new features."""
        count = tokens.shape[1]
        x = torch.cat([tokens, nodes.x], dim=1)
        mask = torch.cat([nodes.mask.new_ones(x.shape[0], count), nodes.mask], dim=1)
        x = x + self.attention(x, x, mask)
        x = x + self.feed_forward(x)
        return nodes.with_x(x[:, count:]), x[:, :count]
