"""Items of one modality: what modalities make from cells and encoders turn into nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.graph.nodes import Nodes


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
    def count(self) -> Int[Tensor, "batch"]:
        """Number of items of every sample."""
        return sum_at(torch.ones_like(self.sample), self.sample, self.batch_size)

    @property
    def number(self) -> Int[Tensor, "items"]:
        """Which item of its sample each one is, from 0."""
        start = self.count.cumsum(0) - self.count
        return torch.arange(self.sample.shape[0], device=self.sample.device) - start[self.sample]

    @property
    def nodes_per_sample(self) -> Int[Tensor, "batch"]:
        """Number of nodes of every sample, over all its items."""
        return sum_at(self.length, self.sample, self.batch_size)

    def owner(self, total: int) -> Int[Tensor, "nodes"]:
        """Return the item of each node, given their number."""
        return torch.repeat_interleave(self.length, output_size=total)

    def node_layout(self, total: int | None = None) -> dict[str, Tensor]:
        """Sample, item and index of every node, as `Nodes.from_flat` takes them.

        Args:
            total: Number of nodes, where it is known; None: it is added up.
        """
        end = self.length.cumsum(0)
        if total is None:
            total = int(end[-1]) if len(end) else 0
        owner = self.owner(total)
        index = torch.arange(total, device=owner.device) - (end - self.length)[owner]
        return {"sample": self.sample[owner], "item": self.number[owner], "index": index}

    def nodes(self, x: Float[Tensor, "flat channels"]) -> Nodes:
        """Return nodes with these features, which lie one behind the other."""
        return Nodes.from_flat(x, **self.node_layout(), batch_size=self.batch_size)

    def pad(self, x: Float[Tensor, "flat channels"]) -> Float[Tensor, "items steps channels"]:
        """Return the features of each item's nodes, padded to the longest item."""
        return Nodes.from_flat(x, sample=self.owner(len(x)), batch_size=len(self.length)).x

    def pack(
        self, x: Float[Tensor, "items steps channels"], total: int | None = None
    ) -> Float[Tensor, "flat channels"]:
        """Undo `pad`.

        Args:
            x: Features of each item's nodes.
            total: Number of nodes of all items, where it is known.
        """
        return x[before_end(self.length, x.shape[1])]


def sum_at(
    values: Int[Tensor, "values"], place: Int[Tensor, "values"], size: int
) -> Int[Tensor, "{size}"]:
    """Add up the values that belong to each place.

    Example:
        >>> sum_at(torch.tensor([1, 2, 3]), torch.tensor([0, 2, 0]), 3).tolist()
        [4, 0, 2]
    """
    return torch.zeros(size, dtype=values.dtype, device=values.device).index_add(0, place, values)


def before_end(length: Int[Tensor, "items"], steps: int) -> Bool[Tensor, "items steps"]:
    """True where a step lies before the end of its item."""
    return torch.arange(steps, device=length.device) < length.unsqueeze(1)


def sample_of_items(samples: Sequence[Sequence[Any]]) -> Int[Tensor, "items"]:
    """Return the sample of each item, where the items of the samples follow one another.

    Example:
        >>> sample_of_items([["a", "b"], [], ["c"]]).tolist()
        [0, 0, 2]
    """
    counts = torch.tensor([len(items) for items in samples], dtype=torch.long)
    return torch.repeat_interleave(counts)
