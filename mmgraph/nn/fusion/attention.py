"""Attention over padded nodes, for fusions that attend."""

from __future__ import annotations

from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F


class NodeAttention(nn.Module):
    r"""Multi-head attention of target nodes to source nodes, which may be none at all.

    https://arxiv.org/abs/1706.03762, with the norm before it (https://arxiv.org/abs/2002.04745):

    .. math::
        \mathrm{softmax} \bigl( (Q \bar{x}_t + q) (K \bar{x}_s)^T / \sqrt{d} \bigr)
        (V \bar{x}_s + v) \, O, \qquad \bar{x} = \mathrm{norm}(x)

    The norm has no weights of its own, for the maps behind it can do as much. The result has no
    bias, so nodes of a sample without any source receive exactly nothing.

    Args:
        channels: Features of every node, before and after.
        heads: Number of heads.
        dropout: Probability of a channel of the result to be dropped, for all nodes of a sample
            together.

    Raises:
        ValueError: `channels` is not a multiple of `heads`.
    """

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(
                f"{heads} heads need channels to be a multiple of {heads}, got {channels}"
            )
        self.heads = heads
        self.dropout = dropout
        self.lin_query = nn.Linear(channels, channels)
        # Without bias: a softmax ignores a constant, so it would never be trained.
        self.lin_key = nn.Linear(channels, channels, bias=False)
        self.lin_value = nn.Linear(channels, channels)
        self.lin_out = nn.Linear(channels, channels, bias=False)

    def forward(
        self,
        target: Float[Tensor, "batch target channels"],
        source: Float[Tensor, "batch source channels"],
        mask: Bool[Tensor, "batch source"],
    ) -> Float[Tensor, "batch target channels"]:
        """Return what each target node receives.

        Args:
            target: The nodes that listen.
            source: The nodes they listen to.
            mask: True where a source node exists.
        """
        target = F.layer_norm(target, target.shape[2:])
        source = F.layer_norm(source, source.shape[2:])
        query = self._split(self.lin_query(target))  # [batch, heads, target, channels / heads]
        key, value = self._split(self.lin_key(source)), self._split(self.lin_value(source))
        present = mask.any(1, keepdim=True)
        # A softmax over nothing is NaN on some back ends, so it is over padding until cleared.
        allowed = (mask | ~present)[:, None, None]
        received = F.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        result = self.lin_out(received.transpose(1, 2).flatten(2)) * present.unsqueeze(2)
        # One draw for all nodes of a sample, as in HeteroLayer.
        return F.dropout1d(result.transpose(1, 2), self.dropout, self.training).transpose(1, 2)

    def _split(self, x: Float[Tensor, "batch nodes channels"]) -> Float[Tensor, "batch _ nodes _"]:
        return x.unflatten(2, (self.heads, x.shape[2] // self.heads)).transpose(1, 2)


def make_feed_forward(channels: int) -> nn.Sequential:
    """Return the second half of a Transformer's layer, to be added to its input."""
    return nn.Sequential(
        nn.LayerNorm(channels),
        nn.Linear(channels, 2 * channels),
        nn.GELU(),
        nn.Linear(2 * channels, channels),
    )
