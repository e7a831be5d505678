"""Reports of models: figures by hand, intervals, slices, baselines, pages."""

import numpy as np
import pandas as pd
import pytest

from mmgraph import (
    DataError,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Tabular,
    Text,
    report,
)
from mmgraph.metrics import bootstrap_metrics, evaluate_predictions
from mmgraph.reports.predicted import Predicted
from mmgraph.reports.slices import slice_table
from mmgraph.reports.tables import calibration_table, class_table, confusion_table

QUICK = {"graph": False, "verbose": False}


def make_table(count=60):
    random = np.random.default_rng(0)
    label = np.array(["cold", "warm"])[np.arange(count) % 2]
    # In the north titles say nothing.
    north = np.arange(count) % 3 == 0
    words = np.where(label == "warm", "red", "blue")
    words = np.where(north, random.permutation(words), words)
    return pd.DataFrame(
        {
            "title": [f"a {word} thing {n}" for n, word in enumerate(words)],
            "region": np.where(north, "north", "south"),
            "size": random.normal(size=count),
            "label": label,
            "series": np.arange(count) // 2,
        }
    )


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def model(table):
    modalities = [Text("title", features=None), Tabular(["size"])]
    return MultimodalGraphClassifier(modalities, **QUICK).fit(table, table["label"])


@pytest.fixture(scope="module")
def found(model, table):
    rows = table.copy()
    rows.loc[:11, "title"] = None
    return report(model, rows, "label", groups="series", train=table, draws=60)


def test_metrics_and_intervals(found, model, table):
    assert found.metrics["metric"].tolist() == ["accuracy", "macro_f1", "log_loss", "ece"]
    assert (found.metrics["low"] <= found.metrics["value"]).all()
    assert (found.metrics["value"] <= found.metrics["high"]).all()
    assert found.rows == 60
    chosen = report(model, table, table["label"], metrics=["macro_f1"], draws=5)
    assert chosen.metrics["metric"].tolist() == ["macro_f1"]
    predicted = model.predict(table)
    expected = evaluate_predictions(["macro_f1"], table["label"], predicted)["macro_f1"]
    assert chosen.metrics["value"].tolist() == [expected]


def test_baselines_are_of_the_same_rows(found):
    names = found.baselines["baseline"].tolist()
    assert {"constant", "TF-IDF + LR", "regression+neighbours"} <= set(names)
    assert found.baselines["accuracy"].is_monotonic_decreasing
    constant = found.baselines.set_index("baseline").loc["constant"]
    assert constant["accuracy"] == 0.5
    assert constant["log_loss"] == pytest.approx(np.log(2), abs=1e-6)


def test_slices(found):
    slices = found.slices.set_index(["slice", "value"])
    assert ("title", "missing") in slices.index
    assert slices.loc[("title", "missing"), "rows"] == 12
    assert slices.loc[[("region", "north"), ("region", "south")], "rows"].tolist() == [20, 40]
    assert "label" not in found.slices["slice"].to_list()
    assert found.slices["accuracy"].is_monotonic_increasing
    assert (found.slices["slice"] == "size").sum() == 3


def predicted(truth, outputs, classes, **columns):
    outputs = np.array(outputs, dtype=float)
    classes = np.array(classes)
    decided = classes[outputs.argmax(1)]
    return Predicted(
        pd.DataFrame({"n": range(len(truth)), **columns}), truth, decided, outputs, classes
    )


def test_classes_and_confusion_by_hand():
    p = [[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3]]
    rows = predicted(["a", "b", "b", "new"], p, ["a", "b"])
    table = class_table(rows).set_index("class")
    assert table.loc["a", ["precision", "recall", "f1"]].tolist() == pytest.approx([1 / 3, 1, 0.5])
    assert table.loc["b", ["precision", "recall"]].tolist() == [1, 0.5]
    assert table.loc["new", "rows"] == 1
    assert table.loc["new", "recall"] == 0
    assert np.isnan(table.loc["new", "precision"])
    assert confusion_table(rows).to_numpy().tolist() == [[1, 0, 0], [1, 1, 0], [1, 0, 0]]


def test_calibration_by_hand():
    rows = predicted(["a", "b", "a"], [[0.91, 0.09], [0.95, 0.05], [0.4, 0.6]], ["a", "b"])
    table = calibration_table(rows)
    assert table["confidence"].tolist() == pytest.approx([0.6, 0.93])
    assert table["accuracy"].tolist() == [0, 0.5]
    assert table["rows"].tolist() == [1, 2]


def test_a_slice_that_is_worse_is_named():
    truth = ["a", "b"] * 40
    p = [[0.9, 0.1] if label == "a" else [0.1, 0.9] for label in truth]
    p[:20] = [[0.1, 0.9] if label == "a" else [0.9, 0.1] for label in truth[:20]]
    rows = predicted(truth, p, ["a", "b"], part=["bad"] * 20 + ["good"] * 60)
    table = slice_table(rows, [], None, "accuracy", draws=50, seed=0)
    assert table["value"].tolist() == ["bad", "good"]
    assert table["differs"].tolist() == ["worse", "better"]
    losses = slice_table(rows, [], ["part"], "log_loss", draws=50, seed=0)
    assert losses["value"].tolist() == ["bad", "good"]
    with pytest.raises(DataError, match="slices: expected the column 'q'"):
        slice_table(rows, [], ["q"], "accuracy", draws=5, seed=0)


def test_intervals_hold_what_they_should():
    random = np.random.default_rng(0)
    truth = random.integers(0, 2, 400)
    said = np.where(random.random(400) < 0.8, truth, 1 - truth)
    drawn = bootstrap_metrics(["accuracy"], truth, said, draws=400)[:, 0]
    accuracy = (truth == said).mean()
    assert drawn.mean() == pytest.approx(accuracy, abs=0.005)
    assert drawn.std() == pytest.approx((accuracy * (1 - accuracy) / 400) ** 0.5, rel=0.15)
    # Copies of every row make it no surer where they are one group.
    four = np.repeat(np.arange(100), 4)
    grouped = bootstrap_metrics(
        ["accuracy"], truth[:100][four], said[:100][four], groups=four, draws=400
    )
    share = (truth[:100] == said[:100]).mean()
    assert grouped.std() == pytest.approx((share * (1 - share) / 100) ** 0.5, rel=0.15)


def test_draws_without_a_class_are_left_out():
    p = np.array([[0.9, 0.1], [0.2, 0.8]])
    drawn = bootstrap_metrics(["auroc"], ["a", "b"], ["a", "b"], p, np.array(["a", "b"]), draws=40)
    assert 0 < np.isnan(drawn).mean() < 1
    assert np.nanmin(drawn) == 1


def test_numbers(table):
    modality = Tabular(["size"])
    rows = table.assign(price=2 * table["size"] + 1)
    model = MultimodalGraphRegressor([modality], **QUICK).fit(rows, rows["price"])
    found = report(model, rows.drop(columns="label"), "price", train=rows, draws=20)
    assert found.metrics["metric"].tolist() == ["mae", "correlation"]
    assert found.confusion is None
    assert found.calibration is None
    assert not len(found.classes)
    assert found.baselines["mae"].is_monotonic_increasing
    assert found.plot().axes


def test_sets_of_labels(table):
    rows = table.drop(columns="label")
    truth = [{"a", "b"} if n % 2 else {"b"} for n in range(len(rows))]
    truth[0] = set()
    model = MultimodalGraphClassifier([Text("title", features=None)], **QUICK).fit(rows, truth)
    found = report(model, rows, truth, draws=10)
    assert found.metrics["metric"].tolist() == ["micro_f1", "macro_f1", "log_loss", "ece"]
    assert found.classes["rows"].tolist() == [30, 59]
    assert found.confusion is None
    assert found.calibration["rows"].sum() == 120


def test_errors_come_before_predictions(model, table, monkeypatch):
    def fail(*_, **__):
        raise AssertionError("predicted")

    monkeypatch.setattr(type(model.fitted_), "predict", fail)
    with pytest.raises(DataError, match="did you mean 'accuracy'"):
        report(model, table, "label", metrics=["acuracy"])
    with pytest.raises(DataError, match="as names of columns"):
        report(model, table, table["label"], train=table)
    with pytest.raises(DataError, match="no such column"):
        report(model, table, "truth")


def test_shows_itself(found, tmp_path):
    said = repr(found)
    assert said.startswith("60 rows: accuracy")
    assert "best baseline" in said
    assert len(said.splitlines()) <= 20
    assert "<table" in found._repr_html_()
    found.to_html(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert "data:image/png" in page
    assert "<script" not in page
    assert found.to_dict()["confusion"]["classes"] == ["cold", "warm"]
    assert len(found.plot().axes) == 3
