"""Weights of edges in few characters, and which rows a page has room for."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mmgraph.explain.lazy_edges import LazyEdges
from mmgraph.explain.record import EdgeScores, ExplanationRecord

#: Characters of all weights of a page together.
_MOST_CHARACTERS = 10_000_000


def add_edges(
    explanations: Sequence[ExplanationRecord],
    views: Sequence[dict[str, Any]],
    blobs: dict[str, int],
) -> None:
    """Give views their edges, those of wrong and of confident predictions first.

    Edges name their `source`, `target` and `weight` by places in the blobs: base64 of
    little-endian uint16, uint16 and uint8, where a weight w stands for low + w / 255 (high - low).
    Views for which there is no room have None.
    """
    room = _MOST_CHARACTERS
    for place in sorted(range(len(views)), key=lambda place: _rank(explanations[place])):
        if room <= 0:
            has_some = isinstance(explanations[place].edges, LazyEdges) or explanations[place].edges
            views[place]["edges"] = None if has_some else []
            continue
        before = len(blobs)
        views[place]["edges"] = [_edges(edges, blobs) for edges in explanations[place].edges]
        room -= sum(len(blob) for blob in list(blobs)[before:])


def _rank(explanation: ExplanationRecord) -> tuple[bool, float]:
    sure = max(explanation.predicted, default=0.0) if explanation.has_probabilities else 0.0
    return explanation.is_right is not False, -sure


def _edges(edges: EdgeScores, blobs: dict[str, int]) -> dict[str, Any]:
    low, high, weight = quantise(edges.weight)
    parts = {
        "source": edges.source.astype("<u2"),
        "target": edges.target.astype("<u2"),
        "weight": weight,
    }
    encoded = {name: base64.b64encode(part.tobytes()).decode() for name, part in parts.items()}
    return {
        "relation": list(edges.relation),
        "layer": edges.layer,
        "heads": edges.weight.shape[1],
        "low": low,
        "high": high,
        # Layers share their edges, and methods their weights: each is written once.
        **{name: blobs.setdefault(blob, len(blobs)) for name, blob in encoded.items()},
    }


def quantise(
    weight: Float[np.ndarray, "edges heads"],
) -> tuple[float, float, np.ndarray]:
    """Return the range of weights and where in it each lies, in 256 steps.

    Example:
        >>> quantise(np.array([[0.0, 0.5], [1.0, 0.25]]))[2].tolist()
        [[0, 128], [255, 64]]
    """
    low = min(0.0, float(weight.min(initial=0.0)))
    high = float(weight.max(initial=0.0))
    share = (weight - low) / ((high - low) or 1.0)
    return low, high, np.round(255 * share).astype(np.uint8)
