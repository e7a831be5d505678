import numpy as np
import pandas as pd
import pytest

from mmgraph import (
    Audio,
    Features,
    Image,
    MultimodalGraphClassifier,
    Tabular,
    Text,
    Video,
)
from mmgraph.graph.relations import Complete

QUICK = {"channels": 8, "epochs": 1, "refit": False, "validation": 0.0, "verbose": False}


@pytest.fixture(scope="session")
def mixed():
    """Return 24 rows of all six modalities, with holes, and their classes."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(24):
        label = number % 3
        rows.append(
            {
                "photos": [
                    random.integers(70 * label, 70 * label + 90, (16, 16, 3), np.uint8)
                    for _ in range(number % 4)
                ],
                "texts": [
                    f"a {['bad', 'fair', 'good'][label]} thing, number {number}"
                    for _ in range((number + 1) % 3)
                ],
                "clip": (random.normal(size=800 + 100 * number), 8000) if number % 5 else None,
                "film": random.integers(0, 256, (4, 9, 9, 3), np.uint8)
                if number % 4 == 1
                else None,
                "price": random.normal(label) if number % 3 else None,
                "city": ["Rome", "Oslo", None][number % 3],
                "vectors": random.normal(label, size=(3, 5)) if number % 7 else None,
            }
        )
    for column in rows[5]:
        rows[5][column] = None
    label = np.array(["bad", "fair", "good"])[np.arange(24) % 3]
    return pd.DataFrame(rows, index=[f"r{number}" for number in range(24)]), label


@pytest.fixture(scope="session")
def modalities():
    return [
        Image("photos", backbone=None, size=32),
        Text("texts", features=None),
        Audio("clip", mels=16, cache=False),
        Video("film", frames=2, size=64, cache=False),
        Tabular(["price", "city"]),
        Features("vectors"),
    ]


@pytest.fixture(scope="session")
def fitted(mixed, modalities):
    """Return a classifier of all six modalities, each joined to two others by one layer."""
    frame, label = mixed
    names = [modality.node_type for modality in modalities]
    ring = list(zip(names, names[1:] + names[:1], strict=True))
    pairs = [(start, "to", to) for one, other in ring for start, to in ((one, other), (other, one))]
    return MultimodalGraphClassifier(
        modalities, num_layers=1, relations={pair: Complete() for pair in pairs}, **QUICK
    ).fit(frame[:12], label[:12])


@pytest.fixture(scope="session")
def deep(mixed, modalities):
    """Return a classifier of three modalities with two layers."""
    frame, label = mixed
    chosen = [modalities[0], modalities[1], modalities[5]]
    return MultimodalGraphClassifier(chosen, num_layers=2, **QUICK).fit(frame[:12], label[:12])


@pytest.fixture(scope="session")
def small(mixed, modalities):
    """Return a graph alone of photos and texts, with one layer; row 9 has one of each."""
    frame, label = mixed
    return MultimodalGraphClassifier(modalities[:2], num_layers=1, linear=False, **QUICK).fit(
        frame, label
    )
