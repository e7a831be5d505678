"""Bags: fixed-length summaries of a modality's items, for the additive model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.items import Items


class Bag(nn.Module, ABC):
    """Summarises the items of one modality, their order aside; nothing in it is trained.

    A bag may learn a vocabulary by `fit`, and must give rows of zeros for samples without items.

    Args:
        scale: Length that a sample's features should have, against those of other bags.
    """

    scale: float

    def fit(self, batches: Iterable[Items]) -> None:
        """Learn what the bag needs from the training items."""
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
        nodes = torch.zeros(items.batch_size, dtype=torch.long, device=items.length.device)
        return nodes.index_add(0, items.sample, items.length) > 0


def _mean_of_items(
    x: Float[Tensor, "items features"], items: Items
) -> Float[Tensor, "batch features"]:
    count = torch.bincount(items.sample, minlength=items.batch_size).unsqueeze(1)
    total = x.new_zeros(items.batch_size, x.shape[1]).index_add(0, items.sample, x)
    return total / count.clamp_min(1)


class MeanBag(Bag):
    """Mean of precomputed features over all items of a sample, and their nodes.

    Args:
        width: Number of features.
        key: Name of the features in `Items.data`, [items, features] or [items, nodes, features].
        scale: Length of a standardised sample.
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
            x = x.mean(1)
        return _mean_of_items(x, items)


class PixelBag(Bag):
    """Colours of a coarse thumbnail: what a linear model can use of an image by itself.

    Args:
        side: Width and height of the thumbnail in pixels.
        key: Name of the pixels in `Items.data`, [items, 3, height, width].
        scale: Length of a standardised sample.
    """

    def __init__(self, side: int = 8, key: str = "pixels", *, scale: float = 1.0) -> None:
        super().__init__()
        self.side, self.key, self.scale = side, key, scale

    @property
    def width(self) -> int:
        """Number of features: three colours of each pixel."""
        return 3 * self.side**2

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the mean thumbnail of each sample's images, colours from 0 to 1."""
        pixels = items.data[self.key]
        small = pixels.new_zeros(0, 3, self.side, self.side, dtype=torch.float32)
        if len(pixels):  # pooling does not take an empty batch
            small = F.adaptive_avg_pool2d(pixels.float() / 255, self.side)
        return _mean_of_items(small.flatten(1), items)


class NgramBag(Bag):
    """TF-IDF of tokens and of pairs of neighbouring tokens.

    (1 + log count) × (log((1 + samples) / (1 + samples with the n-gram)) + 1), rows of length
    1: scikit-learn's `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` over tokens.

    Args:
        num_tokens: Size of the tokens' vocabulary.
        key: Name of the token ids in `Items.data`, whose first axis counts nodes.
        scale: Factor on the rows' length.
    """

    ngrams: Tensor
    idf: Tensor

    def __init__(self, num_tokens: int, key: str = "ids", *, scale: float = 3.0) -> None:
        super().__init__()
        self.num_tokens, self.key, self.scale = num_tokens, key, scale
        self.register_buffer("ngrams", torch.zeros(0, dtype=torch.long))
        self.register_buffer("idf", torch.zeros(0))

    @property
    def width(self) -> int:
        """Number of n-grams, known after `fit`."""
        return len(self.ngrams)

    def fit(self, batches: Iterable[Items]) -> None:
        """Learn which n-grams there are, and how many samples have each."""
        seen: list[Tensor] = []
        samples = 0
        for items in batches:
            samples += items.batch_size
            code, sample = self._codes(items)
            seen.append(torch.unique(torch.stack([sample, code]), dim=1)[1])
        self.ngrams, frequency = torch.unique(torch.cat(seen), return_counts=True)
        self.idf = ((1 + samples) / (1 + frequency)).log() + 1

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the weights as a sparse matrix."""
        code, sample = self._codes(items)
        column = torch.searchsorted(self.ngrams, code).clamp_max(max(self.width - 1, 0))
        known = self.ngrams[column] == code if self.width else torch.zeros_like(code).bool()
        cell, count = torch.unique(
            torch.stack([sample[known], column[known]]), dim=1, return_counts=True
        )
        value = (1 + count.log()) * self.idf[cell[1]]
        square = value.new_zeros(items.batch_size).index_add(0, cell[0], value.square())
        value = value / square.sqrt()[cell[0]]
        size = (items.batch_size, self.width)
        return torch.sparse_coo_tensor(cell, value, size, is_coalesced=True, check_invariants=False)

    def _codes(self, items: Items) -> tuple[Int[Tensor, "ngrams"], Int[Tensor, "ngrams"]]:
        """Number every token and every pair of tokens within an item, with their samples."""
        ids, layout = items.data[self.key], items.node_layout()
        sample = layout["sample"]
        pair = ids[:-1] * self.num_tokens + ids[1:] + self.num_tokens
        inside = layout["index"][1:] > 0
        return torch.cat([ids, pair[inside]]), torch.cat([sample, sample[1:][inside]])

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        # The vocabulary's size is only known from what was saved.
        self.ngrams = torch.zeros_like(state_dict[prefix + "ngrams"])
        self.idf = torch.zeros_like(state_dict[prefix + "idf"])
        super()._load_from_state_dict(state_dict, prefix, *args)
