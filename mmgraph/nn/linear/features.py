"""Pooled features: fixed-length summaries of a modality's items, for the linear model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mmgraph.graph.items import Items, sum_at
from mmgraph.nn.encoders.tabular import FIRST_CATEGORY


class PooledFeatures(nn.Module, ABC):
    """Summarises the items of one modality, their order aside; nothing in it is trained.

    A summary may learn a vocabulary by `fit`, and must give rows of zeros for samples without
    items.

    Args:
        scale: Length that a sample's features should have, against those of other pooled.
    """

    scale: float
    #: Rows are compared by it only where a modality has nothing else.
    last_resort: ClassVar[bool] = False

    def fit(self, batches: Iterable[Items]) -> None:
        """Learn what the summary needs from the training items."""
        return

    @property
    @abstractmethod
    def width(self) -> int:
        """Number of features, known after `fit`."""

    @abstractmethod
    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the features of every sample, dense or sparse (COO)."""

    def present(self, items: Items) -> Bool[Tensor, "batch"]:
        """True where a sample has an item with nodes."""
        return items.nodes_per_sample > 0

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return what each node adds to its sample's features, dense or sparse.

        The parts of a sample's nodes sum to what `forward` gives. What cannot be told apart is
        shared evenly, which is all that this default does.
        """
        sample = items.node_layout()["sample"]
        return (self(items) / items.nodes_per_sample.clamp_min(1).unsqueeze(1))[sample]


def kept_nodes(items: Items, nodes: int) -> Bool[Tensor, "items {nodes}"]:
    """True for the nodes that are there of items that have as many each, such as images.

    Args:
        items: Items whose data may hold `kept` [items, nodes], see `Modality.keep`.
        nodes: Nodes of a whole item.
    """
    kept = items.data.get("kept")
    return (
        items.length.new_ones(len(items.length), nodes, dtype=torch.bool) if kept is None else kept
    )


def mean_of_items(
    x: Float[Tensor, "items features"], items: Items
) -> Float[Tensor, "batch features"]:
    """Return the mean over the items of each sample, zero where there are none."""
    total = x.new_zeros(items.batch_size, x.shape[1]).index_add(0, items.sample, x)
    return total / items.count.clamp_min(1).unsqueeze(1)


class MeanFeatures(PooledFeatures):
    """Mean of precomputed features over all items of a sample, and their nodes.

    Args:
        width: Number of features.
        key: Name of the features in `Items.data`, [items, features] or [items, nodes, features];
            for the former, `<key>_parts` [nodes, features] may say what each node added.
            Default: "features".
        scale: Length of a standardised sample. Default: 2.0.
    """

    def __init__(self, width: int, key: str = "features", *, scale: float = 2.0) -> None:
        super().__init__()
        self._width, self.key, self.scale = width, key, scale

    @property
    def width(self) -> int:
        """Number of features."""
        return self._width

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the means."""
        x = items.data[self.key]
        if x.ndim == 3:  # [items, nodes, channels]
            x = self._mean_of_nodes(x, items)
        return mean_of_items(x, items)

    def _mean_of_nodes(
        self, x: Float[Tensor, "items nodes features"], items: Items
    ) -> Float[Tensor, "items features"]:
        kept = items.data.get("kept")
        if kept is None:
            return x.mean(1)
        return (x * kept.unsqueeze(2)).sum(1) / items.length.clamp_min(1).unsqueeze(1)

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each node's share of the mean, evenly where only items have features."""
        x = items.data[self.key]
        if x.ndim == 3:
            x = (
                x[kept_nodes(items, x.shape[1])]
                / items.length.repeat_interleave(items.length)[:, None]
            )
        elif f"{self.key}_parts" in items.data:
            x = items.data[f"{self.key}_parts"]
        else:
            return super().parts(items)
        sample = items.node_layout()["sample"]
        number_of_items = torch.bincount(items.sample, minlength=items.batch_size)
        return x / number_of_items[sample].unsqueeze(1)


class NodeMeanFeatures(MeanFeatures):
    """Mean of precomputed features over all nodes of a sample, however many each item has.

    Args:
        width: Number of features.
        key: Name of the features in `Items.data`, [nodes, features].
        scale: Length of a standardised sample.
    """

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the means, zero where there are no nodes."""
        x = items.data[self.key]
        sample = items.sample[items.owner(x.shape[0])]
        total = x.new_zeros(items.batch_size, self.width).index_add(0, sample, x)
        return total / items.nodes_per_sample.clamp_min(1).unsqueeze(1)

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each vector, divided by their number."""
        sample = items.node_layout()["sample"]
        return items.data[self.key] / items.nodes_per_sample[sample].unsqueeze(1)


class NumberFeatures(PooledFeatures):
    """Numbers of a table's columns side by side, zero where missing.

    Of several values in a column the mean is taken.

    Args:
        columns: Number of columns.
        numbers: Numbers that a value consists of.
        used: Places among the columns × numbers that are ever used, ascending.
        scale: Length of a standardised sample. Default: 2.0.
    """

    used: Tensor

    def __init__(
        self, columns: int, numbers: int, used: Sequence[int], *, scale: float = 2.0
    ) -> None:
        super().__init__()
        self.columns, self.numbers, self.scale = columns, numbers, scale
        self.register_buffer("used", torch.tensor(used, dtype=torch.long), persistent=False)

    @property
    def width(self) -> int:
        """Number of places that are used."""
        return len(self.used)

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the numbers; takes `column` [nodes] and `number` [nodes, numbers]."""
        number = items.data["number"]
        cell = self._cells(items)
        cells = items.batch_size * self.columns
        total = number.new_zeros(cells, self.numbers).index_add(0, cell, number)
        count = sum_at(torch.ones_like(cell), cell, cells).clamp_min(1).unsqueeze(1)
        places = self.columns * self.numbers
        return (total / count).view(items.batch_size, places)[:, self.used]

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each value at its place, divided by how many the column has."""
        number, cell = items.data["number"], self._cells(items)
        share = number / torch.bincount(cell)[cell].unsqueeze(1)
        placed = number.new_zeros(len(number), self.columns, self.numbers)
        placed[torch.arange(len(number)), items.data["column"]] = share
        return placed.flatten(1)[:, self.used]

    def _cells(self, items: Items) -> Int[Tensor, "nodes"]:
        """Number of each value's cell in the table."""
        sample = items.sample[items.owner(items.data["column"].shape[0])]
        return sample * self.columns + items.data["column"]


class CategoryFeatures(PooledFeatures):
    """Which categories a sample has, as sparse rows of length 1.

    Args:
        categories: Number of category ids; those before `FIRST_CATEGORY` are no categories.
        scale: Factor on the rows' length. Default: 2.0.
    """

    def __init__(self, categories: int, *, scale: float = 2.0) -> None:
        super().__init__()
        self.categories, self.scale = categories, scale

    @property
    def width(self) -> int:
        """Number of known categories."""
        return self.categories - FIRST_CATEGORY

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the rows as a sparse matrix; takes `category` [nodes]."""
        cell = torch.unique(self._cells(items)[0], dim=1)
        count = torch.bincount(cell[0], minlength=items.batch_size)
        value = count[cell[0]].rsqrt()
        size = (items.batch_size, self.width)
        return torch.sparse_coo_tensor(cell, value, size, is_coalesced=True, check_invariants=False)

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each node's share of its category, as sparse rows."""
        cells, node = self._cells(items)
        cell, inverse, times = torch.unique(cells, dim=1, return_inverse=True, return_counts=True)
        value = torch.bincount(cell[0], minlength=items.batch_size)[cells[0]].rsqrt()
        place = torch.stack([node, cells[1]])
        value = value / times[inverse]
        size = (len(items.data["category"]), self.width)
        return torch.sparse_coo_tensor(place, value, size, check_invariants=False).coalesce()

    def _cells(self, items: Items) -> tuple[Int[Tensor, "2 known"], Int[Tensor, "known"]]:
        """Return sample and category, and the node, of every known category."""
        category = items.data["category"]
        node = (category >= FIRST_CATEGORY).nonzero().squeeze(1)
        cells = torch.stack([items.node_layout()["sample"], category - FIRST_CATEGORY])
        return cells[:, node], node


class NgramFeatures(PooledFeatures):
    """TF-IDF of hashed n-grams.

    (1 + log count) × (log((1 + samples) / (1 + samples with the n-gram)) + 1), rows of length
    1, as scikit-learn's `TfidfVectorizer(sublinear_tf=True)`.

    Args:
        key: Name of the hashes in `Items.data`, whose first axis counts n-grams;
            `<key>_length` has the number of each item, and `<key>_nodes` [n-grams, 2] may have
            the first node of the item that an n-gram touches, and the one behind the last.
        scale: Factor on the rows' length. Default: 2.0.
        max_features: Most n-grams to keep: those in the most samples. Default: 200000.
    """

    last_resort = True
    ngrams: Tensor
    idf: Tensor

    def __init__(self, key: str, *, scale: float = 2.0, max_features: int = 200_000) -> None:
        super().__init__()
        self.key, self.scale, self.max_features = key, scale, max_features
        self.register_buffer("ngrams", torch.zeros(0, dtype=torch.long))
        self.register_buffer("idf", torch.zeros(0))

    @property
    def width(self) -> int:
        """Number of n-grams, known after `fit`."""
        return len(self.ngrams)

    def fit(self, batches: Iterable[Items]) -> None:
        """Learn which n-grams there are, and how many samples have each."""
        seen = [torch.zeros(0, dtype=torch.long)]
        samples = 0
        for items in batches:
            samples += items.batch_size
            seen.append(torch.unique(self._cells(items), dim=1)[1])
        ngrams, frequency = torch.unique(torch.cat(seen), return_counts=True)
        if len(ngrams) > self.max_features:
            kept = frequency.argsort(descending=True, stable=True)[: self.max_features]
            kept = kept.sort().values  # lookups need ascending hashes
            ngrams, frequency = ngrams[kept], frequency[kept]
        self.ngrams = ngrams
        self.idf = ((1 + samples) / (1 + frequency)).log() + 1

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the weights as a sparse matrix."""
        cell, value, _, _ = self._weights(items)
        size = (items.batch_size, self.width)
        return torch.sparse_coo_tensor(cell, value, size, is_coalesced=True, check_invariants=False)

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return each node's share of its n-grams, evenly among the nodes an n-gram touches."""
        cell, value, inverse, known = self._weights(items)
        share = (value / torch.bincount(inverse, minlength=len(value)))[inverse]
        count = items.data[f"{self.key}_length"]
        length = items.length.repeat_interleave(count)[known]
        begin = (items.length.cumsum(0) - items.length).repeat_interleave(count)[known]
        first, last = torch.zeros_like(length), length
        if f"{self.key}_nodes" in items.data:
            touched = items.data[f"{self.key}_nodes"][known]
            nowhere = (touched[:, 0] >= touched[:, 1]).unsqueeze(1)
            # What touches no node, as behind the last token, is everyone's.
            first, last = torch.where(nowhere, torch.stack([first, last], 1), touched).unbind(1)
        width = last - first
        owner = torch.repeat_interleave(width)
        step = torch.arange(len(owner)) - (width.cumsum(0) - width)[owner]
        place = torch.stack([(begin + first)[owner] + step, cell[1][inverse][owner]])
        size = (int(items.length.sum()), self.width)
        value = (share / width)[owner]
        return torch.sparse_coo_tensor(place, value, size, check_invariants=False).coalesce()

    def _weights(
        self, items: Items
    ) -> tuple[
        Int[Tensor, "2 cells"],
        Float[Tensor, "cells"],
        Int[Tensor, "known"],
        Bool[Tensor, "ngrams"],
    ]:
        """Return sample and column of all weights, these, and where known n-grams went."""
        sample, ngram = self._cells(items)
        column = torch.searchsorted(self.ngrams, ngram).clamp_max(max(self.width - 1, 0))
        known = self.ngrams[column] == ngram if self.width else torch.zeros_like(ngram).bool()
        cell, inverse, count = torch.unique(
            torch.stack([sample[known], column[known]]),
            dim=1,
            return_inverse=True,
            return_counts=True,
        )
        value = (1 + count.log()) * self.idf[cell[1]]
        square = value.new_zeros(items.batch_size).index_add(0, cell[0], value.square())
        return cell, value / square.sqrt()[cell[0]], inverse, known

    def _cells(self, items: Items) -> Int[Tensor, "2 ngrams"]:
        """Sample and hash of every n-gram."""
        sample = items.sample.repeat_interleave(items.data[f"{self.key}_length"])
        return torch.stack([sample, items.data[self.key]])

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The vocabulary's size is only known from what was saved.
        self.ngrams = torch.zeros_like(state_dict[prefix + "ngrams"])
        self.idf = torch.zeros_like(state_dict[prefix + "idf"])
        super()._load_from_state_dict(state_dict, prefix, *args)
