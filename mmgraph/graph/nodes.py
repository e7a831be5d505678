"""Nodes of one modality: what encoders make and graphs are built from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Nodes:
    """The nodes of one modality for a batch of samples, padded to the longest sample.

    A missing modality is a row without a True in `mask`. Padding always stands behind the
    real nodes, and its `x` is zero.

    Args:
        x: Node features.
        mask: True where a node exists, False where a row is padded.
        item: Which image, text or clip of the sample a node belongs to, from 0.
        index: Position of a node within its item (region in reading order, token), from 0.

    Example:
        >>> nodes = Nodes.from_flat(
        ...     torch.ones(3, 8), sample=torch.tensor([0, 0, 2]), batch_size=3
        ... )
        >>> nodes.mask.sum(1).tolist()
        [2, 0, 1]
    """

    x: Float[Tensor, "batch nodes channels"]
    mask: Bool[Tensor, "batch nodes"]
    item: Int[Tensor, "batch nodes"]
    index: Int[Tensor, "batch nodes"]

    @classmethod
    def from_flat(
        cls,
        x: Float[Tensor, "flat channels"],
        *,
        sample: Int[Tensor, "flat"],
        batch_size: int,
        item: Int[Tensor, "flat"] | None = None,
        index: Int[Tensor, "flat"] | None = None,
    ) -> Nodes:
        """Pad nodes that lie one behind the other, sample by sample.

        Args:
            x: Features of all nodes of the batch.
            sample: The sample of each node, ascending.
            batch_size: Number of samples, those without nodes included.
            item: The item of each node within its sample; all 0 when None.
            index: The position of each node within its item; counts on through the sample
                when None.
        """
        count = torch.bincount(sample, minlength=batch_size)
        start = count.cumsum(0) - count
        slot = torch.arange(len(sample), device=x.device) - start[sample]
        width = int(count.max()) if batch_size else 0

        def pad(values: Tensor) -> Tensor:
            padded = values.new_zeros(batch_size, width, *values.shape[1:])
            return padded.index_put((sample, slot), values)

        return cls(
            x=pad(x),
            mask=pad(torch.ones_like(sample, dtype=torch.bool)),
            item=pad(torch.zeros_like(sample) if item is None else item),
            index=pad(slot if index is None else index),
        )

    @property
    def batch_size(self) -> int:
        """Number of samples, those without nodes included."""
        return self.x.shape[0]

    @property
    def channels(self) -> int:
        """Number of features of a node."""
        return self.x.shape[2]

    def flat(self) -> Float[Tensor, "flat channels"]:
        """Features of the real nodes only, sample by sample."""
        return self.x[self.mask]

    def offsets(self) -> Int[Tensor, "batch nodes"]:
        """Each real node's row in `flat()`; -1 where padded."""
        position = self.mask.flatten().cumsum(0).view(self.mask.shape) - 1
        return position.masked_fill(~self.mask, -1)

    def with_x(self, x: Float[Tensor, "batch nodes channels"]) -> Nodes:
        """Return the same nodes with other features; what stands in padding becomes zero."""
        return replace(self, x=x * self.mask.unsqueeze(-1))

    def with_flat(self, x: Float[Tensor, "flat channels"]) -> Nodes:
        """Return the same nodes with other features, given as by `flat()`."""
        padded = x.new_zeros(*self.mask.shape, x.shape[1])
        return replace(self, x=padded.index_put(tuple(self.mask.nonzero().T), x))
