import numpy as np
import pytest

from mmgraph.comparison import holm
from mmgraph.comparison.markdown import write_table
from mmgraph.comparison.store import Run
from mmgraph.comparison.tables import score_together, summarise_runs, tabulate_runs

#: Share of right answers by method, fold and seed.
SCORES = {
    "graph": {"0": (0.8, 0.6), "1": (0.6, 0.6)},
    "late": {"0": (0.5, 0.5), "1": (0.2, 0.4)},
    "baseline": {"0": (0.9,), "1": (0.6,)},
}


def make_run(method, fold, seed, share):
    right = np.arange(10) < round(10 * share)
    return Run(
        key=f"{method}{fold}{seed}",
        method=method,
        part="fold",
        fold=fold,
        seed=seed,
        train_rows=10,
        parameters=7,
        fit_seconds=1.5,
        predict_seconds=0.5,
        date="2020-01-02T03:04:05+00:00",
        versions={"mmgraph": "0"},
        rows=np.arange(10),
        truth=np.array(["yes"] * 10),
        predicted=np.where(right, "yes", "no"),
    )


@pytest.fixture
def runs():
    return [
        make_run(method, fold, seed, share)
        for method, folds in SCORES.items()
        for fold, shares in folds.items()
        for seed, share in enumerate(shares)
    ]


def test_summary_by_hand(runs):
    table = summarise_runs(tabulate_runs(runs, ["accuracy"]), "graph").set_index("method")
    assert table.index.tolist() == ["baseline", "graph", "late"]
    assert table["mean"].to_dict() == pytest.approx({"baseline": 0.75, "graph": 0.65, "late": 0.4})
    # Folds of the graph: .7 and .6; of late fusion: .5 and .3; of the baseline: .9 and .6.
    assert table.loc["graph", "std_folds"] == pytest.approx(0.1 / np.sqrt(2))
    assert table.loc["graph", "std_seeds"] == pytest.approx(0.2 / np.sqrt(2) / 2)
    assert np.isnan(table.loc["baseline", "std_seeds"])
    assert table.loc["late", "difference"] == pytest.approx(-0.25)
    # Differences -.2 and -.3, s² = .005, as many rows tested as trained on: (1/2 + 1) s².
    t = -0.25 / np.sqrt(1.5 * 0.005)
    assert table.loc["late", "t"] == pytest.approx(t)
    p = 1 - 2 / np.pi * np.arctan(abs(t))  # Cauchy
    assert table.loc["late", "p"] == pytest.approx(p)
    both = table["p"].drop("graph")
    np.testing.assert_allclose(table["p_holm"].drop("graph"), holm(both.to_numpy(dtype=float)))
    assert np.isnan(table.loc["graph", "p_holm"])
    assert table["runs"].to_dict() == {"baseline": 2, "graph": 4, "late": 4}


def test_only_shared_folds_are_compared(runs):
    left = [run for run in runs if (run.method, run.fold) != ("late", "1")]
    table = summarise_runs(tabulate_runs(left, ["accuracy"]), "graph").set_index("method")
    assert table.loc["late", "difference"] == pytest.approx(0.5 - 0.7)
    assert np.isnan(table.loc["late", "p"])


def test_markdown(runs):
    summary = summarise_runs(tabulate_runs(runs, ["accuracy", "macro_f1"]), "graph")
    text = write_table(summary, runs, reference="graph", missing=3)
    header, _, best, graph, late, *_, note = text.strip().split("\n")
    assert header.startswith("| method | accuracy | macro-F1 | accuracy, against graph | p |")
    assert best.startswith("| baseline | .750 ± .212 |")
    assert graph.startswith("| **graph** | .650 ± .071 (.071) |")
    assert "| -.250 |" in late
    assert late.endswith("| 7 | 1.5 | 4 |")
    assert "2 folds (0, 1); seeds 0, 1;" in note
    assert "3 planned runs are not done yet" in note
    assert "2020-01-02" in note


def test_less_error_is_better():
    runs = []
    for method, error in (("far", 2.0), ("near", 1.0)):
        run = make_run(method, "0", 0, 1.0)
        values = {"truth": np.zeros(10), "predicted": np.full(10, error)}
        runs.append(Run(**{**vars(run), **values}))
    table = summarise_runs(tabulate_runs(runs, ["mae"]), "far")
    assert table["method"].tolist() == ["near", "far"]


def with_probabilities(run, confidence):
    """The run as one that says "yes" with some probability."""
    table = np.tile([1 - confidence, confidence], (len(run.rows), 1))
    return Run(**{**vars(run), "probabilities": table, "classes": np.array(["no", "yes"])})


def test_calibration_error_of_all_folds_together():
    """One fold is right too often, the other too rarely, and both together as often as said."""
    runs = [
        with_probabilities(make_run("graph", fold, 0, 1.0), 0.75) for fold in ("right", "wrong")
    ]
    truth = np.array(["yes"] * 5 + ["no"] * 5)
    runs[1] = Run(**{**vars(runs[1]), "truth": truth})
    frame = tabulate_runs(runs, ["ece"])
    assert frame["value"].tolist() == pytest.approx([0.25, 0.25])
    together = score_together(runs, ["ece"])
    assert together["value"].tolist() == pytest.approx([0.0])
    summary = summarise_runs(frame, "graph", together)
    assert summary["mean"].tolist() == pytest.approx([0.25])
    text = write_table(summary, runs, reference="graph", missing=0)
    assert "| ECE |" in text.split("\n")[0]
    assert "| **graph** | .000 |" in text


def test_folds_that_lack_a_class_are_joined():
    first = with_probabilities(make_run("graph", "0", 0, 1.0), 0.5)
    other = make_run("graph", "1", 0, 1.0)
    known = {"probabilities": np.ones((10, 1)), "classes": np.array(["yes"])}
    both = [first, Run(**{**vars(other), **known})]
    found = score_together(both, ["log_loss"])["value"].tolist()
    assert found == pytest.approx([np.log(2) / 2])


def test_methods_without_probabilities_have_no_log_loss(runs):
    frame = tabulate_runs(runs, ["accuracy", "log_loss"])
    lacking = frame[frame["metric"] == "log_loss"]["value"]
    assert len(lacking) == len(runs)
    assert lacking.isna().all()
    summary = summarise_runs(frame, "graph", score_together(runs, ["accuracy", "log_loss"]))
    text = write_table(summary, runs, reference="graph", missing=0)
    assert text.split("\n")[2].startswith("| baseline | .750 ± .212 |  |")


def test_spread_between_seeds_is_shown(runs):
    summary = summarise_runs(tabulate_runs(runs, ["accuracy"]), "graph")
    text = write_table(summary, runs, reference="graph", missing=0)
    assert "| **graph** | .650 ± .071 (.071) |" in text
    assert "in brackets that between seeds" in text
