"""Where rows lie among others: their vectors, a map of them, and which are nearest."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import torch
from jaxtyping import Float, Int

from mmgraph.explain.unit_row import UnitRow
from mmgraph.explain.units import Sample
from mmgraph.plot.embedding import project

#: Fewer rows make no map.
_FEWEST = 4
#: UMAP needs some rows to find neighbourhoods.
_FEWEST_UMAP = 50


def vector_of(row: UnitRow) -> Float[np.ndarray, "channels"]:
    """Return where a row lies among others.

    The fused vector where the graph has a say; else what neighbours are found by, or the logits.
    """
    if not isinstance(row, Sample):
        return row.logits.numpy()
    model = row.model
    with torch.no_grad():
        if model.weights[1]:
            return model.fusion(row.nodes)[0].numpy()
        if model.linear is not None and model.neighbours is not None and model.neighbours.used:
            vectors = model.neighbours.vectors(model.linear.read(row.batch))
            there = vectors.has.unbind(1)
            parts = [x * has.unsqueeze(1) for x, has in zip(vectors.vectors, there, strict=True)]
            return torch.cat(parts, dim=1)[0].numpy()
    return row.logits.numpy()


def map_rows(
    vectors: Float[np.ndarray, "rows channels"],
) -> tuple[Float[np.ndarray, "rows 2"], tuple[str, str]] | None:
    """Return a point for each row, and what the axes are; None for few rows.

    Made by UMAP where it is installed, else of the first two principal components.
    """
    if len(vectors) < _FEWEST:
        return None
    has_umap = len(vectors) >= _FEWEST_UMAP and find_spec("umap") is not None
    return project(vectors, "umap" if has_umap else "pca", 0)


def nearest_rows(
    vectors: Float[np.ndarray, "rows channels"], count: int
) -> Int[np.ndarray, "rows count"]:
    """Return the rows with the largest cosines to each row, the nearest first.

    Example:
        >>> nearest_rows(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.2]]), 1)[:, 0].tolist()
        [2, 2, 0]
    """
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(length, 1e-12)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -np.inf)
    return np.argsort(-alike, axis=1, kind="stable")[:, : min(count, len(vectors) - 1)]


def joined(
    vectors: Sequence[Float[np.ndarray, "channels"] | None],
) -> Float[np.ndarray, "rows channels"] | None:
    """Return the vectors of all rows; None where one has none, or they are of several models."""
    known = [each for each in vectors if each is not None]
    if len(known) < len(vectors) or len({len(each) for each in known}) != 1:
        return None
    return np.stack(known)
