"""Cross-modal attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations

from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.fusion.attention import NodeAttention, make_feed_forward
from mmgraph.nn.fusion.base import Fusion, check_modalities
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.nn.readout import ReadoutLike


class CrossAttentionFusion(Fusion):
    r"""The nodes of each modality attend to those of every other one, layer by layer.

    Multimodal Transformer (https://arxiv.org/abs/1906.00295), with the sources as the encoders
    made them in every layer:

    .. math::
        \tilde{x}_m = x_m^{(l)} + \sum_{n \neq m} \mathrm{attention}_{n,m}^{(l)}
        (x_m^{(l)}, x_n^{(0)}), \qquad
        x_m^{(l+1)} = \tilde{x}_m + \mathrm{FFN}_m^{(l)}(\tilde{x}_m)

    The paper keeps one stream a pair of modalities and joins them by a Transformer; here the
    streams into a modality are one, which is the same for two modalities, and the nodes are read
    out and concatenated as in `ConcatFusion`. Positions are left to the encoders. A missing
    modality sends messages to no one, and is zeros in the concatenation.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node and of the result.
        readout: How the nodes of a modality are combined: a name of `READOUTS`, or a class or
            function of the channels. Default: "attention".
        dropout: Probability of a channel of what nodes receive, and of a feature of the result, to
            be dropped. Default: 0.2.
        num_layers: Number of rounds. Default: 2.
        heads: Number of heads of each attention. Default: 4.

    Shapes:
        `nodes[m].x` [batch, nodes of m, channels] gives [batch, channels].

    Raises:
        ValueError: `channels` is not a multiple of `heads`.

    Example:
        >>> import torch
        >>> text = Nodes.from_flat(torch.ones(3, 8), sample=torch.tensor([0, 0, 1]), batch_size=2)
        >>> CrossAttentionFusion(["text"], 8)({"text": text}).shape
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
    ) -> None:
        super().__init__()
        self.out_channels = channels
        self.concat = ConcatFusion(modalities, channels, readout=readout, dropout=dropout)
        names = list(self.concat.readouts)
        self.layers = nn.ModuleList(
            CrossAttentionLayer(names, channels, dropout, heads) for _ in range(num_layers)
        )

    def forward(self, nodes: Mapping[str, Nodes]) -> Float[Tensor, "batch channels"]:
        """Return one vector for each sample."""
        check_modalities(self.concat.readouts, nodes)
        targets = nodes
        for layer in self.layers:
            targets = layer(targets, nodes)
        return self.concat(targets)


class CrossAttentionLayer(nn.Module):
    """One round in which every modality attends to every other one.

    Args:
        modalities: Names of the modalities.
        channels: Features of every node, before and after.
        dropout: Probability of a channel of what nodes receive to be dropped.
        heads: Number of heads of each attention.
    """

    def __init__(
        self, modalities: Iterable[str], channels: int, dropout: float, heads: int
    ) -> None:
        super().__init__()
        self.feed_forwards = nn.ModuleDict(
            {name: make_feed_forward(channels) for name in modalities}
        )
        self.attentions = nn.ModuleDict(
            {
                f"{source}__{target}": NodeAttention(channels, heads, dropout)
                for source, target in permutations(self.feed_forwards, 2)
            }
        )

    def forward(
        self, targets: Mapping[str, Nodes], sources: Mapping[str, Nodes]
    ) -> dict[str, Nodes]:
        """Return the targets with new features."""
        changed = {}
        for name, feed_forward in self.feed_forwards.items():
            x = targets[name].x
            for other in self.feed_forwards:
                if other != name:
                    attention = self.attentions[f"{other}__{name}"]
                    source = sources[other]
                    x = x + attention(targets[name].x, source.x, source.mask)
            changed[name] = targets[name].with_x(x + feed_forward(x))
        return changed
