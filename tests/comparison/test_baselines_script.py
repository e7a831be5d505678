"""The script that compares mmgraph with all baselines: its tables of few rows."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "benchmarks"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])
    spec = importlib.util.spec_from_file_location("baselines_script", FOLDER / "baselines.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_few_rows(script, run, says):
    """ "clue" is wrong in 2 of 40 rows, "hint" in 12."""
    methods = {"linear": says("clue"), "other": says("hint")}
    comparison = run(methods=methods, reference="linear", folds=2, seeds=(0,))
    assert script.write_small(comparison) == ""
    comparison.learning_curve([8])
    scores = script.score_draws(comparison)
    assert set(scores["rows"]) == {8}
    together = scores[scores["metric"] == "ece"]
    assert set(together["draw"]) == {"all"}
    # Right are .95 and .7 of the rows, each said with a confidence of .9.
    assert together["value"].tolist() == pytest.approx([0.05, 0.2])
    text = script.write_small(comparison)
    assert "8 training rows, means of 2 draws:" in text
    assert "| linear | 0.950 |" in text
    assert "linear less the best baseline, ± one standard error: accuracy +0.250 ± " in text
    assert "(other)" in text


def test_lead_by_hand(script):
    values = pd.DataFrame(
        [
            *[("linear", draw, "log_loss", value) for draw, value in (("0", 1.0), ("1", 3.0))],
            *[("good", draw, "log_loss", value) for draw, value in (("0", 2.0), ("1", 3.0))],
            *[("bad", draw, "log_loss", value) for draw, value in (("0", 9.0), ("1", 1.0))],
        ],
        columns=["method", "draw", "metric", "value"],
    )
    # Differences to the best mean are -1 and 0: their deviation is .707, over the root of two.
    said = script.describe_lead(values, "log_loss", ["good", "bad"], "linear")
    assert said == "-0.500 ± 0.500 (good)"
