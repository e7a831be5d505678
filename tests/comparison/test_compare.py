import json

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from mmgraph import DataError
from mmgraph.comparison import Comparison, plot_learning_curve


def test_every_run_is_in_the_tidy_frame(run, says):
    frame = run().frame
    assert len(frame) == 2 * 4 * 2 * 4  # methods, folds, seeds, metrics
    assert frame.columns.tolist() == [
        *("method", "fold", "seed", "metric", "value", "parameters"),
        *("fit_seconds", "predict_seconds", "train_rows", "test_rows"),
    ]
    assert set(frame["train_rows"]) == {30}
    accuracy = frame[frame["metric"] == "accuracy"].groupby("method")["value"].mean()
    assert accuracy.to_dict() == pytest.approx({"clue": 38 / 40, "hint": 28 / 40})
    assert len(says.fits) == 16


def test_all_methods_see_the_same_rows(run):
    comparison = run()
    rows = {}
    for each in comparison.runs():
        rows.setdefault((each.fold, each.seed), set()).add(tuple(each.rows.tolist()))
    assert all(len(seen) == 1 for seen in rows.values())


def test_a_killed_comparison_goes_on(run, says):
    says.crash_after = 5
    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(says.fits) == 5
    says.crash_after = None
    first = run().frame
    assert len(says.fits) == 16
    again = run().frame
    assert len(says.fits) == 16
    pd.testing.assert_frame_equal(first, again)


def test_a_run_half_written_is_done_again(run, says, tmp_path, monkeypatch):
    run()
    path = next((tmp_path / "runs" / "runs").glob("*.json"))
    path.unlink()
    run()
    assert len(says.fits) == 17
    assert not list((tmp_path / "runs" / "runs").glob(".*"))


def test_what_decides_a_run_is_in_its_key(run, says, table):
    run()
    run(methods={"clue": says("clue"), "hint": says("hint", wrong=0.5)})
    assert len(says.fits) == 16 + 8
    run(seeds=(0, 1, 2))
    assert len(says.fits) == 16 + 8 + 8
    table.loc[105, "clue"] = "neither"
    run()
    assert len(says.fits) == 16 + 8 + 8 + 16


def test_a_method_without_a_seed_runs_once_a_fold(run, says):
    from sklearn.dummy import DummyClassifier
    from sklearn.pipeline import make_pipeline

    methods = {"clue": says("clue"), "dummy": make_pipeline(DummyClassifier())}
    counts = [
        run(methods=methods, folds=folds, metrics=["accuracy"]).frame["method"].value_counts()
        for folds in ("split", 4)
    ]
    assert counts[0].to_dict() == {"clue": 2, "dummy": 1}
    assert counts[1].to_dict() == {"clue": 8, "dummy": 8}


def test_every_seed_has_folds_of_its_own(run, says):
    frame = run(methods={"clue": says("clue")}, metrics=["accuracy"]).frame
    assert frame.groupby("seed")["fold"].agg(list).to_dict() == {0: list("0123"), 1: list("4567")}
    text = run(methods={"clue": says("clue")}).to_markdown()
    assert "8 folds, shuffled anew by each seed; seeds 0, 1;" in text


def test_functions_of_the_seed_are_methods(run, says):
    methods = {"clue": says("clue"), "noisy": lambda seed: says("clue", 0.5, seed)}
    run(methods=methods)
    assert {seed for _, seed, _ in says.fits} == {0, 1}


def test_a_budget_ends_it_early(run, says):
    comparison = run(budget_minutes=0.0)
    assert says.fits == []
    assert comparison.missing == 16
    assert "No run is done yet" in comparison.to_markdown()
    assert run().missing == 0


def test_read_without_data(run, tmp_path):
    comparison = run()
    again = Comparison.read(tmp_path / "runs")
    pd.testing.assert_frame_equal(again.summary(), comparison.summary())
    with pytest.raises(DataError, match="call compare"):
        again.test()
    with pytest.raises(DataError, match=r"comparison\.json"):
        Comparison.read(tmp_path)


def test_damaged_runs_are_named(run, tmp_path):
    comparison = run()
    path = next((tmp_path / "runs" / "runs").glob("*.npz"))
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match=path.stem):
        comparison.runs()


def test_learning_curve(run, says):
    comparison = run(seeds=(0,))
    done = len(says.fits)
    curve = comparison.learning_curve([5, 10, 99])
    assert len(says.fits) == done + 2 * 2 * 4  # methods, sizes, folds; none has 99 rows
    assert sorted(curve["train_rows"].unique()) == [5, 10, 30]
    panels = plot_learning_curve(curve).axes
    assert [line.get_xdata().tolist() for line in panels[0].lines] == [[5, 10, 30]] * 2
    again = run(seeds=(0,)).learning_curve([5, 10, 99])
    assert len(says.fits) == done + 16
    pd.testing.assert_frame_equal(again, curve)


def test_slices(run, table):
    odd = np.arange(40) % 2 == 1
    scores = run(metrics=["accuracy"]).scores(by=np.where(odd, "odd", "even"))
    clue = scores[scores["method"] == "clue"]
    right = (clue["value"] * clue["test_rows"]).groupby(clue["slice"]).sum()
    right /= clue.groupby("slice")["test_rows"].sum()
    assert right.to_dict() == pytest.approx({"even": 19 / 20, "odd": 19 / 20})


def test_the_test_rows_are_read_once(run, says, caplog, tmp_path):
    comparison = run(folds="split")
    assert set(comparison.frame["test_rows"]) == {10}
    done = len(says.fits)
    first = comparison.test()
    assert len(says.fits) == done + 4
    assert says.fits[-1][2] == 30  # all rows but the test's
    accuracy = first[first["metric"] == "accuracy"].groupby("method")["value"].mean()
    assert accuracy.to_dict() == {"clue": 0.9, "hint": 0.9}
    assert not caplog.records
    again = run(folds="split").test()
    assert len(says.fits) == done + 4
    assert f"read on {first.attrs['date']}" in caplog.text
    pd.testing.assert_frame_equal(again, first)
    with pytest.raises(DataError, match="new output folder"):
        run(folds="split", methods={"clue": says("clue"), "hint": says("hint", 0.1)}).test()
    fresh = run(folds="split", methods={"clue": says("hint")}, output=tmp_path / "other")
    assert fresh.test().attrs["date"]


def test_a_killed_test_goes_on_with_the_same_methods_only(run, says, tmp_path):
    comparison = run(folds="split")
    says.crash_after = len(says.fits) + 2
    with pytest.raises(KeyboardInterrupt):
        comparison.test()
    says.crash_after = None
    assert json.loads((tmp_path / "runs" / "test.json").read_text())["done"] is None
    with pytest.raises(DataError, match="new output folder"):
        run(folds="split", seeds=(0,)).test()
    assert len(comparison.test()) == 2 * 2 * 4


def test_test_rows_are_in_no_fold(run, table):
    comparison = run(test=(table["split"] == "test").to_numpy())
    assert max(each.rows.max() for each in comparison.runs()) == 29
    with pytest.raises(DataError, match="no test rows"):
        run().test()


def test_always_wrong(run):
    listing = run().always_wrong()
    assert sorted(listing["row"]) == [3, 30]
    assert sorted(listing.index) == [103, 130]
    assert listing.loc[103, ["truth", "predicted", "agreement"]].tolist() == ["dog", "cat", 1.0]
    assert listing["probability"].tolist() == pytest.approx([0.1, 0.1])
    assert len(run().always_wrong(1)) == 1


def test_plot(run):
    figure = run().plot()
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    assert [axes.get_xlabel() for axes in figure.axes] == [
        *("accuracy", "macro_f1", "log_loss", "ece")
    ]
    ticks = [label.get_text().removesuffix(" *") for label in figure.axes[0].get_yticklabels()]
    assert ticks == ["clue", "hint"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reference": "gnn"}, "'gnn' is none of the methods"),
        ({"methods": ["graf"]}, "there is no method 'graf'; did you mean 'graph'"),
        ({"methods": "graph"}, r"write \['graph'\]"),
        ({"methods": ["graph", "graph"], "reference": "graph"}, "twice"),
        ({"methods": {"clue": 3}}, "or a function"),
        ({"test": [1, 2]}, "True or False for each of 40 rows"),
        ({"groups": [0] * 40, "folds": "split"}, "group 0 is on both sides"),
    ],
)
def test_mistakes(run, options, message):
    with pytest.raises(DataError, match=message):
        run(**options)
