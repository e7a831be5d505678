"""Pooled features of the rows that a row is linked with."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mmgraph.graph.items import Items
from mmgraph.nn.linear.features import PooledFeatures


class LinkedCounts(PooledFeatures):
    """How many rows a row sees by each relation, as logarithms.

    Args:
        relations: Number of relations.
        scale: Length of a standardised sample. Default: 2.0.
    """

    last_resort = True

    def __init__(self, relations: int, *, scale: float = 2.0) -> None:
        super().__init__()
        self._width, self.scale = relations, scale

    @property
    def width(self) -> int:
        """Number of relations."""
        return self._width

    def forward(self, items: Items) -> Float[Tensor, "batch relations"]:
        """Return log(1 + count); takes `relation` [nodes]."""
        return torch.log1p(_counts(items, self._width))

    def parts(self, items: Items) -> Float[Tensor, "nodes relations"]:
        """Return each node's share of the logarithm of its relation."""
        relation, sample = items.data["relation"], items.node_layout()["sample"]
        count = _counts(items, self._width)[sample, relation]
        share = torch.log1p(count) / count
        return torch.zeros(len(relation), self._width).scatter(
            1, relation.unsqueeze(1), share.unsqueeze(1)
        )


class LinkedMeans(PooledFeatures):
    """Mean of some features of the rows that a row sees by one relation.

    Args:
        relation: Number of the relation.
        start: First of the features.
        stop: The one behind the last.
        scale: Length of a standardised sample. Default: 2.0.
    """

    def __init__(self, relation: int, start: int, stop: int, *, scale: float = 2.0) -> None:
        super().__init__()
        self.relation, self.start, self.stop, self.scale = relation, start, stop, scale

    @property
    def width(self) -> int:
        """Number of features."""
        return self.stop - self.start

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the means; takes `features` [nodes, features] and `relation` [nodes]."""
        sample = items.node_layout()["sample"]
        parts = self.parts(items)
        return parts.new_zeros(items.batch_size, self.width).index_add(0, sample, parts)

    def present(self, items: Items) -> Bool[Tensor, "batch"]:
        """True where a row sees another one by this relation."""
        return self._count(items) > 0

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each row's features, divided by how many rows are seen by this relation."""
        x = items.data["features"][:, self.start : self.stop]
        count = self._count(items)[items.node_layout()["sample"]].clamp_min(1)
        inside = items.data["relation"] == self.relation
        return x * (inside / count).unsqueeze(1)

    def _count(self, items: Items) -> Float[Tensor, "batch"]:
        inside = (items.data["relation"] == self.relation).float()
        sample = items.node_layout()["sample"]
        return inside.new_zeros(items.batch_size).index_add(0, sample, inside)


def _counts(items: Items, relations: int) -> Float[Tensor, "batch {relations}"]:
    sample = items.node_layout()["sample"]
    place = sample * relations + items.data["relation"]
    count = torch.zeros(items.batch_size * relations, device=place.device)
    return count.index_add(0, place, torch.ones_like(place, dtype=count.dtype)).view(-1, relations)
