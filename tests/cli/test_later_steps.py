"""Explain, compare and export: what they hand to the functions that do the work."""

import json
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from mmgraph.estimator import MultimodalEstimator, MultimodalGraphClassifier

OUTPUTS = ["blue", "green", "red"]


class Explained:
    """Stands for `mmgraph.explain.Explanation`."""

    outputs = OUTPUTS
    method = "occlusion"
    nodes = (
        SimpleNamespace(modality="caption", place=SimpleNamespace(label="red"), score=-0.25),
        SimpleNamespace(modality="picture", place=SimpleNamespace(label="row 1"), score=0.5),
    )

    def __init__(self, row, target):
        self.row = str(row)
        self.target = OUTPUTS.index(target or "red")

    def to_json(self, pictures=True):
        return {"row": self.row, "target": self.target, "pictures": pictures}


@pytest.fixture
def calls(monkeypatch):
    """Put stand-ins in the place of what is explained, compared and exported."""
    calls = []

    def explain(self, X, **options):
        calls.append((X, options))
        return [Explained(row, options["target"]) for row in X.index]

    def export(self, path, **options):
        calls.append((self, options))
        path.mkdir()

    def compare(frame, y, **options):
        calls.append((frame, y, options))
        summary = pd.DataFrame({"method": ["graph"], "accuracy": [0.5]})
        return SimpleNamespace(summary=lambda: summary, to_markdown=lambda: "| graph |\n|---|")

    monkeypatch.setattr(MultimodalEstimator, "explain", explain, raising=False)
    monkeypatch.setattr(MultimodalEstimator, "export", export, raising=False)
    monkeypatch.setitem(sys.modules, "mmgraph.compare", SimpleNamespace(compare=compare))
    html = SimpleNamespace(to_html=lambda found, path: path.write_text(f"{len(found)} rows"))
    monkeypatch.setitem(sys.modules, "mmgraph.explain", SimpleNamespace(html=html))
    monkeypatch.setitem(sys.modules, "mmgraph.explain.html", html)
    return calls


def test_explain(shell, model, table, calls, tmp_path):
    path = tmp_path / "why.html"
    command = f"explain {model} {table} --row 4 --row 30 --method occlusion --target blue"
    stdout, _ = shell(f"{command} --output {path}")
    frame, options = calls[0]
    assert frame.index.tolist() == [4, 30]
    assert options == {"target": "blue", "method": "occlusion"}
    assert path.read_text() == "2 rows"
    assert stdout.index("+0.5000") < stdout.index("-0.2500")
    assert "expected places of rows from 0 to 35, got 99" in shell.error(f"{command} --row 99")


def test_explain_the_first_row_of_a_split(shell, model, table, calls, tmp_path):
    path = tmp_path / "why.json"
    found = shell.json(f"explain {model} {table} --split test --output {path}")
    assert found == {"explanations": [{"row": "9", "target": 2, "pictures": False}]}
    assert json.loads(path.read_text()) == [{"row": "9", "target": 2, "pictures": True}]
    assert calls[0][1] == {"target": None}
    assert "split" not in calls[0][0]


def test_compare(shell, table, calls, tmp_path):
    columns = "--image picture --text caption --label label --group series"
    methods = "--method graph --method late --seeds 2 --seed 5 --epochs 3 --from-scratch"
    found = shell.json(f"compare {table} {columns} {methods} --output {tmp_path / 'runs'}")
    assert found["methods"] == [{"method": "graph", "accuracy": 0.5}]
    frame, truth, options = calls[0]
    assert len(frame) == len(truth) == 36
    assert options["methods"] == ["graph", "late"]
    assert options["groups"] == "series"
    assert options["folds"] == "split"
    assert list(options["seeds"]) == [5, 6]
    template = options["template"]
    assert isinstance(template, MultimodalGraphClassifier)
    assert (template.epochs, template.additive) == (3, False)
    assert [each.column_list for each in template.modalities] == [["picture"], ["caption"]]
    shell(f"compare {table} --label label --folds 3 --group series --output {tmp_path / 'runs'}")
    inferred = [name for each in calls[1][2]["template"].modalities for name in each.column_list]
    assert not {"split", "series", "label"} & set(inferred)
    assert calls[1][2]["folds"] == 3


def test_export(shell, model, table, calls, tmp_path):
    path = tmp_path / "program"
    found = shell.json(f"export {model} {table} --format onnx --output {path}")
    estimator, options = calls[0]
    assert found == {"output": str(path), "format": "onnx", "checked_rows": 36}
    assert options["format"] == "onnx"
    assert len(options["example"]) == 36
    # No folder of this machine is handed over.
    assert estimator.modalities_[0].root is None
    shell(f"export {model} {table} --output {path}", code=2)
