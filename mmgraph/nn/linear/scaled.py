"""Pooled features as linear models and comparisons of rows take them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True, eq=False)
class ScaledFeatures:
    """Features of some samples, centred and scaled.

    Args:
        x: Of each kind, [samples, features], dense or sparse.
        has: Which modalities a sample has, of those that training had.
    """

    x: Sequence[Float[Tensor, "samples _"]]
    has: Bool[Tensor, "samples modalities"]

    def __getitem__(self, rows: Int[Tensor, "chosen"]) -> ScaledFeatures:
        return ScaledFeatures([x.index_select(0, rows) for x in self.x], self.has[rows])

    def grams(self) -> list[Float[Tensor, "samples samples"]]:
        """Return the samples' inner products by each kind of features."""
        return [_gram(x) for x in self.x]


def _gram(x: Float[Tensor, "samples features"]) -> Float[Tensor, "samples samples"]:
    if not x.is_sparse:
        return x @ x.T
    with warnings.catch_warnings():
        # torch says once that the sparse matrices which this makes by the way are new to it.
        warnings.filterwarnings("ignore", "Sparse CSR tensor support")
        return torch.sparse.mm(x, x.t()).to_dense()
