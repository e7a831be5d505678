import warnings

import jaxtyping
import numpy as np
import pandas as pd
import pytest

from mmgraph import Features, Image, MultimodalGraphClassifier, Tabular, Text
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.transform import transform
from mmgraph.export.program import Program, to_inputs
from mmgraph.export.write import _fillers

WORDS = ["red", "blue", "green", "cat", "dog", "house"]


@pytest.fixture(autouse=True)
def symbolic_sizes(monkeypatch):
    """Let sizes be symbols, which are no integers to a type checker."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def make_rows(count=20, seed=0):
    """Return rows of all kinds of cells; many are missing, and the fifth row lacks all."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "image": [random.integers(0, 255, (9, 9, 3)).astype(np.uint8) for _ in range(count)],
            "text": [" ".join(random.choice(WORDS, 1 + n % 7)) for n in range(count)],
            "size": random.normal(size=count),
            "kind": random.choice(["x", "y", "z"], count),
            "v": [random.normal(size=(1 + n % 3, 4)).astype(np.float32) for n in range(count)],
        }
    ).astype(object)
    for every, column in enumerate(frame, start=3):
        frame.loc[frame.index[::every], column] = None
    frame.loc[4] = None
    return frame


@pytest.fixture(scope="session")
def rows():
    return make_rows()


@pytest.fixture(scope="session")
def unlike(rows):
    """Return a hundred rows: many lack some or all inputs, others are longer than any of `rows`."""
    frame = make_rows(100, seed=1)
    for row in range(0, 100, 7):
        frame.at[row, "text"] = " ".join(WORDS * 12)
    for row in range(1, 100, 9):
        frame.at[row, "v"] = np.ones((40, 4), np.float32)
    for row in range(2, 100, 11):
        frame.at[row, "image"] = [rows["image"][1]] * 3
    return frame


@pytest.fixture(scope="session")
def fit(rows):
    """Return a function that fits a small model of some class."""

    def fit(modalities, y=None, kind=MultimodalGraphClassifier, **options):
        quick = {"channels": 8, "num_layers": 1, "epochs": 1, "validation": 0.0, "verbose": False}
        model = kind(modalities, **{**quick, **options})
        return model.fit(rows, [WORDS[n % 3] for n in range(len(rows))] if y is None else y)

    return fit


@pytest.fixture(scope="session")
def classifier(fit):
    """A classifier of everything that goes into rows without audio packages."""
    return fit(
        [
            Image("image", backbone=None, size=16),
            Text("text", features=None),
            Tabular(["size", "kind"]),
            Features("v"),
        ]
    )


@pytest.fixture(scope="session")
def differ():
    """Return a function that says how far a program, not yet traced, is from its model."""

    def differ(model, frame):
        dataset = SampleDataset(model.modalities_, transform(model.modalities_, frame))
        program = Program(model.model_, _fillers(model.modalities_, dataset.items)).eval()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*no input in any modality")
            expected = model.fitted_.predict(frame)
        found = [
            program(to_inputs(batch.items)).detach().numpy()
            for size in (len(frame), 1)
            for batch in dataset.batches(size)
        ]
        count = len(frame)
        return np.abs(np.concatenate(found) - np.concatenate([expected, expected[:count]])).max()

    return differ
