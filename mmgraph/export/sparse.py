"""Sparse rows as lists of entries, one for each thing counted, whatever the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.export.bounded import owner_of
from mmgraph.graph.items import Items
from mmgraph.nn.encoders.tabular import FIRST_CATEGORY
from mmgraph.nn.linear.features import CategoryFeatures, NgramFeatures, PooledFeatures

#: Children of a node in the search for n-grams.
_BRANCHES = 64


@dataclass(frozen=True, eq=False)
class Entries:
    """A sparse matrix as its entries; those that share a cell are added up.

    It knows what `LinearModel` does with the sparse matrices of pooled features.

    Args:
        row: Row of each entry.
        column: Column of each entry.
        value: Value of each entry; 0 where it does not count.
        shape: Rows and columns.
    """

    is_sparse: ClassVar[bool] = True

    row: Int[Tensor, "entries"]
    column: Int[Tensor, "entries"]
    value: Float[Tensor, "entries"]
    shape: tuple[int, int]

    def __mul__(self, factor: float) -> Entries:
        return replace(self, value=self.value * factor)

    def __matmul__(self, weight: Float[Tensor, "columns out"]) -> Float[Tensor, "rows out"]:
        out = weight.new_zeros(self.shape[0], weight.shape[1])
        if not self.shape[1]:
            return out
        return out.index_add(0, self.row, self.value.unsqueeze(1) * weight[self.column])


class NgramEntries(PooledFeatures):
    """An `NgramFeatures` that gives `Entries`.

    Args:
        features: The fitted features.
    """

    def __init__(self, features: NgramFeatures) -> None:
        super().__init__()
        self.key, self.scale = features.key, features.scale
        self.register_buffer("ngrams", features.ngrams)
        self.register_buffer("idf", features.idf)

    ngrams: Tensor
    idf: Tensor

    @property
    def width(self) -> int:
        """Number of n-grams."""
        return len(self.ngrams)

    def forward(self, items: Items) -> Entries:  # type: ignore[override]
        """Return the weights of the n-grams."""
        ngram = items.data[self.key]
        owner = owner_of(items.data[f"{self.key}_length"], ngram.shape[0])
        if not self.width:
            return Entries(owner, owner, ngram.new_zeros(0).float(), (items.batch_size, 0))
        column = last_not_above(self.ngrams, ngram)
        row, column, count = distinct(
            *(items.sample[owner], column, self.ngrams[column] == ngram),
            shape=(items.batch_size, self.width),
        )
        # Copies of an n-gram count with the first of them, and are 0.
        value = torch.where(count > 0, (1 + count.clamp_min(1).log()) * self.idf[column], 0.0)
        square = value.new_zeros(items.batch_size).index_add(0, row, value.square())
        value = value / square.clamp_min(1e-12).sqrt()[row]
        return Entries(row, column, value, (items.batch_size, self.width))


class CategoryEntries(PooledFeatures):
    """A `CategoryFeatures` that gives `Entries`.

    Args:
        features: The features.
    """

    def __init__(self, features: CategoryFeatures) -> None:
        super().__init__()
        self.scale, self._width = features.scale, features.width

    @property
    def width(self) -> int:
        """Number of known categories."""
        return self._width

    def forward(self, items: Items) -> Entries:  # type: ignore[override]
        """Return which categories there are, rows of length 1."""
        category = items.data["category"]
        shape = (items.batch_size, self.width)
        row, column, count = distinct(
            items.sample[items.owner(category.shape[0])],
            (category - FIRST_CATEGORY).clamp_min(0),
            category >= FIRST_CATEGORY,
            shape=shape,
        )
        there = (count > 0).float()
        total = there.new_zeros(shape[0]).index_add(0, row, there)
        return Entries(row, column, there * total.clamp_min(1).rsqrt()[row], shape)


def distinct(
    row: Int[Tensor, "entries"],
    column: Int[Tensor, "entries"],
    counted: Bool[Tensor, "entries"],
    *,
    shape: tuple[int, int],
) -> tuple[Int[Tensor, "entries"], Int[Tensor, "entries"], Int[Tensor, "entries"]]:
    """Return rows and columns in order, and how often each cell occurs.

    That number stands at one entry of the cell, and 0 at the others and at those not counted.

    Example:
        >>> one = torch.tensor([0, 1, 0, 1])
        >>> [each.tolist() for each in distinct(one, one, one < 1, shape=(2, 2))]
        [[0, 0, 1, 1], [0, 0, 1, 1], [2, 0, 0, 0]]
    """
    size = shape[0] * shape[1]
    cell = torch.where(counted, row * shape[1] + column, size).sort().values
    first = torch.cat([torch.ones_like(counted[:1]), cell[1:] != cell[:-1]])
    run = first.long().cumsum(0) - 1
    count = torch.zeros_like(cell).index_add(0, run, torch.ones_like(cell))[run]
    count = torch.where(first & (cell < size), count, 0)
    # Those that do not count stand for the last cell.
    cell = cell.clamp_max(size - 1)
    return cell // shape[1], cell % shape[1], count


def last_not_above(
    values: Int[Tensor, "values"], wanted: Int[Tensor, "wanted"]
) -> Int[Tensor, "wanted"]:
    """Return the place of the last value that is not above each wanted one; 0 where none is.

    A search tree whose nodes have `_BRANCHES` children, in plain operations that every runtime
    has.

    Args:
        values: At least one, ascending.
        wanted: What to look for.

    Example:
        >>> last_not_above(torch.tensor([2, 4, 6]), torch.tensor([1, 2, 5, 9])).tolist()
        [0, 0, 1, 2]
    """
    depth = 1
    while _BRANCHES**depth < len(values):
        depth += 1
    beyond = values.new_full((_BRANCHES**depth - len(values),), torch.iinfo(values.dtype).max)
    tree = torch.cat([values, beyond])
    place = torch.zeros_like(wanted)
    for level in reversed(range(depth)):
        child = torch.arange(_BRANCHES, device=wanted.device) * _BRANCHES**level
        found = tree[place.unsqueeze(1) + child] <= wanted.unsqueeze(1)  # [wanted, children]
        place = place + (found.sum(1) - 1).clamp_min(0) * _BRANCHES**level
    return place
