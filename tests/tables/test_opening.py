"""Tables of numbers, categories, dates and vectors, from a CSV file to predictions."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmgraph import Features, MultimodalGraphClassifier, Tabular, load

EXAMPLE = Path(__file__).parents[2] / "examples" / "feature_vectors.py"


@pytest.fixture
def table(tmp_path):
    """Return the path of a CSV file, in which every column tells something of the label."""
    random = np.random.default_rng(0)
    rows = 60
    label = np.arange(rows) % 2
    frame = pd.DataFrame(
        {
            "id": range(1000, 1000 + rows),
            "income": np.exp(random.normal(size=rows) + 2 * label) * 1e4,
            "city": np.where(random.random(rows) < 0.8, label, 1 - label),
            "seen": pd.Timestamp("2024-01-01") + pd.to_timedelta(90 * label, "D"),
            "vector": [str([round(float(x), 3) for x in random.normal(size=3) + n]) for n in label],
            "label": np.where(label, "yes", "no"),
        }
    )
    frame["city"] = frame["city"].map({0: "Rome", 1: "Oslo"})
    frame.loc[random.random(rows) < 0.2, ["income", "seen"]] = None
    frame.loc[5, ["income", "city", "seen"]] = None
    path = tmp_path / "table.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("linear", [True, False])
def test_from_a_file_to_a_loaded_model(table, tmp_path, linear):
    classifier = MultimodalGraphClassifier(
        channels=16,
        num_layers=1,
        epochs=8,
        batch_size=8,
        linear=linear,
        verbose=False,
    )
    classifier.fit(table, "label")
    chosen = {type(modality): modality.columns for modality in classifier.modalities_}
    assert chosen == {Features: "vector", Tabular: ["income", "city", "seen"]}
    frame = pd.read_csv(table)
    assert classifier.score(frame, "label") > 0.85
    new = frame.head(4).assign(city=["Lima", None, "Oslo", "Rome"], income=[1e12, -5, None, 0])
    probability = classifier.predict_proba(new)
    assert np.isfinite(probability).all()
    classifier.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict_proba(new), probability)


def test_example_runs(monkeypatch, capsys):
    options = ["--samples", "40", "--epochs", "1", "--seeds", "1"]
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *options])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    names = [line[:16].strip() for line in lines[2:-1]]
    assert names == ["image alone", "text alone", "weighted sum", "concatenation", "graph"]
    assert lines[-1].startswith("graph accuracy=0.")
