import numpy as np
import pandas as pd
import pytest

from mmgraph import Features, MultimodalGraphClassifier, MultimodalGraphRegressor, Text


def make_table(rows, seed):
    """Return words and vectors: a word says yes or no, a vector is high or low."""
    random = np.random.default_rng(seed)
    word, high = random.random((2, rows)) < 0.5
    vector = random.normal(size=(rows, 4)) * 0.3 + np.where(high, 1.0, -1.0)[:, None]
    frame = pd.DataFrame({"word": np.where(word, "yes please", "no thanks")})
    frame["vector"] = list(vector.astype(np.float32))
    return frame, word, high


def fit(frame, label, **options):
    options = {"channels": 16, "num_layers": 1, "validation": 0.0} | options
    return MultimodalGraphClassifier(
        [Text("word", features=None), Features("vector")],
        batch_size=20,
        learning_rate=1e-2,
        verbose=False,
        **options,
    ).fit(frame, label)


@pytest.fixture(scope="session")
def making():
    """The functions that make tables and fit models on them."""
    return make_table, fit


@pytest.fixture(scope="session")
def additive_task():
    """A model of four classes, of which either modality tells one half, and its test rows."""
    frame, word, high = make_table(220, seed=0)
    label = np.char.add(np.where(word, "yes", "no"), np.where(high, " high", " low"))
    return fit(frame[:120], label[:120], epochs=3), frame[120:], label[120:]


@pytest.fixture(scope="session")
def xor_task():
    """A model of a number, 1 where one modality says what the other does not, else -1.

    A class can be right three times in four by an additive rule; the variance explained is 0.
    """
    frame, word, high = make_table(220, seed=1)
    number = np.where(word ^ high, 1.0, -1.0)
    frame["word"] = [np.full(4, 1.0 if each else -1.0) for each in word]
    model = MultimodalGraphRegressor(
        [Features("word"), Features("vector")],
        channels=16,
        num_layers=1,
        linear=False,
        epochs=8,
        batch_size=10,
        learning_rate=1e-2,
        validation=0.0,
        verbose=False,
    )
    return model.fit(frame[:160], number[:160]), frame[160:], number[160:]
