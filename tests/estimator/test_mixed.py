"""One frame with images, texts, clips, a table and vectors, any of them missing or several."""

import numpy as np
import pandas as pd
import pytest
from tolerance import SMALL, rounding

from mmgraph import (
    Audio,
    Features,
    Image,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Tabular,
    Text,
    load,
)

MODALITIES = [
    Image("photos", backbone=None, size=32),
    Text("texts", features=None),
    Audio("clips", mels=16, cache=False),
    Tabular(["price", "city", "seen"]),
    Features("vector"),
]
QUICK = {"channels": 16, "num_layers": 1, "epochs": 2, "verbose": False}


@pytest.fixture(scope="module")
def mixed():
    """Return 40 rows of 0-5 images, 0-3 texts, 0-2 clips and a table with holes."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(40):
        label = number % 2
        rows.append(
            {
                "photos": [
                    random.integers(100 * label, 100 * label + 120, (16, 16, 3), np.uint8)
                    for _ in range(random.integers(0, 6))
                ],
                "texts": [
                    f"a {'good' if label else 'bad'} thing number {number}"
                    for _ in range(random.integers(0, 4))
                ],
                "clips": [
                    (random.normal(size=random.integers(800, 3000)), 8000)
                    for _ in range(random.integers(0, 3))
                ],
                "price": random.normal(label) if random.random() < 0.7 else None,
                "city": random.choice(["Rome", "Oslo", None]),
                "seen": random.choice(["2024-05-01", "2023-02-03", None]),
                "vector": random.normal(label, size=5) if random.random() < 0.7 else None,
            }
        )
    for column in rows[7]:
        rows[7][column] = None
    label = np.where(np.arange(40) % 2, "good", "bad")
    return pd.DataFrame(rows), label


@pytest.fixture(scope="module")
def fitted(mixed):
    frame, label = mixed
    return MultimodalGraphClassifier(MODALITIES, modality_dropout=0.2, **QUICK).fit(frame, label)


@pytest.mark.filterwarnings("ignore:row 7. no input")
def test_rows_do_not_depend_on_their_neighbours(mixed, fitted):
    frame, label = mixed
    together = fitted.predict_proba(frame)
    # Row 7 has nothing at all.
    alone = np.concatenate([fitted.predict_proba(frame[n : n + 1]) for n in range(16)])
    np.testing.assert_allclose(alone, together[:16], atol=rounding(SMALL))
    backwards = fitted.predict_proba(frame[::-1])[::-1]
    np.testing.assert_allclose(backwards, together, atol=rounding(SMALL))
    assert (fitted.predict(frame) == label).mean() > 0.7


def test_the_row_without_anything_is_named(mixed, fitted):
    frame, _ = mixed
    with pytest.warns(UserWarning, match=r"row 7: no input in any modality \(1 of 40 rows\)"):
        probability = fitted.predict_proba(frame)
    np.testing.assert_allclose(probability[7], [0.5, 0.5], atol=0.02)
    counts = fitted.count_items(frame)
    assert counts.loc[7].sum() == 0
    assert counts["photos"].max() == 5
    assert counts["texts"].max() == 3
    assert counts["clips"].max() == 2
    assert counts["photos"].tolist() == [len(cell or []) for cell in frame["photos"]]


@pytest.mark.filterwarnings("ignore:row 7. no input")
def test_every_modality_is_saved(mixed, fitted, tmp_path):
    frame, _ = mixed
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_allclose(
        again.predict_proba(frame), fitted.predict_proba(frame), atol=rounding(SMALL)
    )


@pytest.mark.filterwarnings("ignore:.*no input")
@pytest.mark.parametrize("column", ["photos", "texts", "clips", "price", "vector"])
def test_any_column_can_be_missing_altogether(mixed, fitted, column):
    frame, _ = mixed
    assert np.isfinite(fitted.predict_proba(frame.assign(**{column: None}))).all()


@pytest.mark.filterwarnings("ignore:.*no input")
def test_numbers_from_all_of_them(mixed):
    frame, label = mixed
    target = np.where(label == "good", 3.0, -1.0)
    regressor = MultimodalGraphRegressor(MODALITIES, absent_nodes=True, **QUICK)
    assert regressor.fit(frame, target).score(frame, target) > 0.2
