"""Random nodes of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from mmgraph.graph.nodes import Nodes


def random_nodes(
    lengths: Sequence[Sequence[int]],
    channels: int,
    dtype: torch.dtype = torch.float32,
    *,
    seed: int | None = None,
) -> Nodes:
    """Return random nodes of a batch.

    Args:
        lengths: Number of nodes of each item (inner) of each sample (outer).
        channels: Features of a node.
        dtype: Their type.
        seed: Seed of the features; None: torch's own generator draws them.

    Example:
        >>> nodes = random_nodes([[2, 1], [], [4]], channels=8)
        >>> nodes.mask.sum(1).tolist(), nodes.item[0].tolist()
        ([3, 0, 4], [0, 0, 1, 0])
    """
    rows = [
        (sample, item, index)
        for sample, items in enumerate(lengths)
        for item, length in enumerate(items)
        for index in range(length)
    ]
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    x = torch.randn(len(rows), channels, dtype=dtype, generator=generator)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


def take_sample(nodes: Nodes, number: int) -> Nodes:
    """Return the nodes of one sample, as a batch of one."""
    own = nodes.mask[number]
    return Nodes.from_flat(
        nodes.x[number][own],
        sample=torch.zeros(int(own.sum()), dtype=torch.long),
        batch_size=1,
        item=nodes.item[number][own],
        index=nodes.index[number][own],
    )


def shuffle_nodes(nodes: Nodes, seed: int = 0) -> Nodes:
    """Return the same nodes in another order within each sample."""
    noise = torch.rand(nodes.mask.shape, generator=torch.Generator().manual_seed(seed))
    order = noise.masked_fill(~nodes.mask, 2.0).argsort(1)

    def moved(values: Tensor) -> Tensor:
        return values.gather(1, order)

    x = nodes.x.gather(1, order.unsqueeze(2).expand_as(nodes.x))
    return Nodes(x, nodes.mask, moved(nodes.item), moved(nodes.index))


def pad_nodes(nodes: Nodes, count: int) -> Nodes:
    """Return the same nodes with so many columns of padding behind them."""
    return Nodes(
        x=F.pad(nodes.x, (0, 0, 0, count)),
        mask=F.pad(nodes.mask, (0, count)),
        item=F.pad(nodes.item, (0, count)),
        index=F.pad(nodes.index, (0, count)),
    )
