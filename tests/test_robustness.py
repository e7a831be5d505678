import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from mmgraph import DataError, hide, robustness_curve
from mmgraph.plot import plot_robustness


class SaysWhatItSees:
    """Predicts the text where there is one, else the image's name, else "nothing"."""

    def predict(self, frame):
        if not (frame["text"].notna() | frame["image"].notna()).all():
            warnings.warn("row 0: no input in any modality", stacklevel=2)
        return frame["text"].fillna(frame["image"]).fillna("nothing").to_numpy()


@pytest.fixture
def table():
    words = [f"word {number}" for number in range(40)]
    return pd.DataFrame({"image": words, "text": words}, index=range(100, 140))


def test_more_is_hidden_with_the_rate(table):
    half, most = hide(table, "text", 0.5, seed=3), hide(table, ["text"], 0.75, seed=3)
    assert half["text"].isna().sum() == 20
    assert most["text"].isna().sum() == 30
    assert most["text"].isna()[half["text"].isna()].all()
    assert half["image"].notna().all()
    assert not hide(table, "text", 0.5, seed=4)["text"].isna().equals(half["text"].isna())
    assert table.notna().all().all()


def test_curve(table):
    modalities = {"pictures": ["image"], "words": "text"}
    curve = robustness_curve(
        {"echo": SaysWhatItSees()}, table, table["text"], modalities=modalities, seeds=3
    )
    assert curve.columns.tolist() == ["model", "modality", "rate", "seed", "score"]
    assert len(curve) == 3 * (1 + 3 + 3 + 3 + 1)
    mean = curve.groupby(["modality", "rate"])["score"].mean()
    assert (mean["pictures"] == 1).all()  # the text is still there
    assert (mean["words"] == 1).all()
    assert mean["every"][0.0] == 1
    assert mean["every"][0.5] == pytest.approx(0.75, abs=0.1)  # either of two by itself
    assert mean["every"][1.0] == 0


def test_own_score_and_one_modality(table):
    curve = robustness_curve(
        {"echo": SaysWhatItSees()},
        table,
        table["text"],
        modalities={"words": ["text", "image"]},
        rates=[0.0, 0.25],
        seeds=2,
        score=lambda true, predicted: f1_score(true, predicted, average="macro"),
    )
    assert set(curve["modality"]) == {"words"}
    np.testing.assert_allclose(curve["score"], [1, 30 / 41, 30 / 41])


@pytest.mark.parametrize(
    ("columns", "rate", "message"),
    [("sound", 0.5, "'sound' to hide.*'image'"), ("text", 2.0, "0 to 1")],
)
def test_what_cannot_be_hidden(table, columns, rate, message):
    with pytest.raises(DataError, match=message):
        hide(table, columns, rate, seed=0)


def test_plot(table):
    curve = robustness_curve(
        {"a": SaysWhatItSees(), "b": SaysWhatItSees()},
        table,
        table["text"],
        modalities={"image": "image", "text": "text"},
    )
    panels = plot_robustness(curve).axes
    assert [axes.get_title() for axes in panels] == ["image", "text", "every"]
    assert [len(axes.lines) for axes in panels] == [2, 2, 2]
    np.testing.assert_allclose(panels[2].lines[0].get_ydata()[[0, -1]], [1, 0])
