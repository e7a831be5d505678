"""Items of one modality: what modalities make from cells and encoders turn into nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor


@dataclass(frozen=True)
class Items:
    """The items of one modality for a batch of samples, one behind the other.

    Args:
        data: Tensors by name, concatenated over the items along their first axis; each
            modality decides whether that axis counts items or nodes.
        length: Number of nodes of each item.
        sample: The sample of each item, ascending.
        batch_size: Number of samples, those without items included.
    """

    data: dict[str, Tensor]
    length: Int[Tensor, "items"]
    sample: Int[Tensor, "items"]
    batch_size: int

    def to(self, device: torch.device | str) -> Items:
        """Return the same items on another device."""
        return replace(
            self,
            data={name: value.to(device) for name, value in self.data.items()},
            length=self.length.to(device),
            sample=self.sample.to(device),
        )

    def pin_memory(self) -> Items:
        """Return the same items in page-locked memory, for quicker copies to a GPU."""
        return replace(
            self,
            data={name: value.pin_memory() for name, value in self.data.items()},
            length=self.length.pin_memory(),
            sample=self.sample.pin_memory(),
        )

    @property
    def number(self) -> Int[Tensor, "items"]:
        """Which item of its sample each one is, from 0."""
        count = torch.bincount(self.sample, minlength=self.batch_size)
        start = count.cumsum(0) - count
        return torch.arange(len(self.sample), device=self.sample.device) - start[self.sample]

    @property
    def nodes_per_sample(self) -> Int[Tensor, "batch"]:
        """Number of nodes of every sample, over all its items."""
        count = torch.zeros(self.batch_size, dtype=torch.long, device=self.length.device)
        return count.index_add(0, self.sample, self.length)

    def node_layout(self) -> dict[str, Tensor]:
        """Sample, item and index of every node, as `Nodes.from_flat` takes them."""
        end = self.length.cumsum(0)
        total = int(end[-1]) if len(end) else 0
        owner = torch.repeat_interleave(self.length, output_size=total)
        index = torch.arange(total, device=owner.device) - (end - self.length)[owner]
        return {"sample": self.sample[owner], "item": self.number[owner], "index": index}


def sample_of_items(samples: Sequence[Sequence[Any]]) -> Int[Tensor, "items"]:
    """Return the sample of each item, where the items of the samples follow one another.

    Example:
        >>> sample_of_items([["a", "b"], [], ["c"]]).tolist()
        [0, 0, 2]
    """
    counts = torch.tensor([len(items) for items in samples], dtype=torch.long)
    return torch.repeat_interleave(counts)
