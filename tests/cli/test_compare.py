"""`mmgraph compare`."""

import pytest

from mmgraph.comparison.baselines import boosting, regression
from mmgraph.comparison.baselines.estimator import NAMES

COLUMNS = "--image picture --text caption --label label --group series"
QUICK = "--from-scratch --image-size 32 --channels 8 --epochs 1 --seed 5 --folds 2 --seeds 1"


@pytest.fixture(scope="module")
def compared(shell, table, tmp_path_factory):
    """Return the command, and what it found."""
    output = tmp_path_factory.mktemp("compared") / "runs"
    command = f"compare {table} {COLUMNS} {QUICK} --method late --method graph --output {output}"
    with pytest.MonkeyPatch.context() as changed:
        # One penalty and few trees are enough where figures do not matter.
        changed.setattr(regression, "choose_strength", lambda gram, rows: 4.0)
        changed.setattr(boosting, "_TREES", (5, 10))
        return command, shell.json(command)


def test_methods_beside_baselines(compared):
    _, found = compared
    methods = {each["method"]: each for each in found["methods"] if each["metric"] == "accuracy"}
    baselines = {"TF-IDF + LR", "pixels + LR", "pixels + TF-IDF, averaged"}
    assert set(methods) == {"late", "graph", *baselines, *NAMES}
    assert {each["runs"] for each in methods.values()} == {2}
    assert methods["TF-IDF + LR"]["mean"] > 0.9  # captions name the colour


def test_called_again_it_only_reads(compared, shell, monkeypatch):
    command, found = compared
    monkeypatch.setattr("mmgraph.comparison.experiment.Experiment._run", lambda *_: 1 / 0)
    stdout, _ = shell(command)
    assert "graph" in stdout
    assert "TF-IDF + LR" in stdout
    assert shell.json(command) == found


def test_an_unknown_method(shell, table, tmp_path):
    said = shell.error(f"compare {table} {COLUMNS} --method graf --output {tmp_path / 'runs'}")
    assert "there is no method 'graf'" in said
