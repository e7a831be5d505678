"""Saved models whose config asks for more than their weights are for: refused before it is made."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmgraph import DataError, Features, Image, Tabular, Text, load

#: Changed configs; with FUZZ_EXAMPLES, a thousand.
COUNT = 1000 if "FUZZ_EXAMPLES" in os.environ else 200
ROWS = 20


@pytest.fixture(scope="module")
def rows():
    return pd.DataFrame(
        {"x": range(ROWS), "k": ["u", "v"] * 10, "t": ["red apple", "blue"] * 10}
    ).assign(f="[1.0, 2.0, 3.0]")


@pytest.fixture
def saved(make_classifier, rows, tmp_path):
    """Return the folder of a small model."""
    modalities = [Tabular(["x", "k"]), Text("t", features=None), Features("f")]
    make_classifier(modalities).fit(rows, ["a", "b"] * 10).save(tmp_path / "model")
    return tmp_path / "model"


def change(folder, function):
    """Change a config as somebody would who wants it to be read: without its checksum."""
    (folder / "SHA256SUMS").unlink()
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    function(config)
    path.write_text(json.dumps(config), "utf-8")


def column(config, place):
    return config["modalities"][0]["state"]["columns"][place]


ATTACKS = {
    "a billion layers": (
        "larger network",
        lambda config: config["parameters"]["fusion"]["options"].update(num_layers=10**9),
    ),
    "a billion channels": (
        "larger than all its weights",
        lambda config: config["parameters"].update(channels=10**9),
    ),
    "a batch of all rows of the world": (
        "batch_size",
        lambda config: config["parameters"]["training"].update(batch_size=10**9),
    ),
    "texts without end": (
        "max_tokens",
        lambda config: config["modalities"][1]["parameters"].update(max_tokens=10**9),
    ),
    "a scale of nothing": ("the scale of", lambda config: column(config, 0).update(scale=0)),
    "a scale that is no number": (
        "is nan",
        lambda config: column(config, 0).update(scale=float("nan")),
    ),
    "categories beyond the table": (
        "begin at",
        lambda config: column(config, 1).update(first=2**62),
    ),
    "categories before the table": ("begin at", lambda config: column(config, 1).update(first=-1)),
    "a column that is a list": ("is called", lambda config: column(config, 0).update(name=[])),
    "an estimator that is a list": ("'estimator'", lambda config: config.update(estimator=[])),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_is_refused(saved, attack):
    reason, function = ATTACKS[attack]
    change(saved, function)
    started = time.process_time()
    with pytest.raises(DataError, match=reason):
        load(saved)
    assert time.process_time() - started < 10


@pytest.mark.parametrize("name", ["hf-hub:someone/model", "local-dir:/etc", "hf_hub:a/b", "a/b"])
def test_names_on_servers(make_classifier, tmp_path, name, monkeypatch):
    frame = pd.DataFrame({"image": [np.zeros((8, 8, 3), np.uint8)] * ROWS})
    model = make_classifier([Image("image", backbone=None, size=16)]).fit(frame, ["a", "b"] * 10)
    model.save(tmp_path / "model")

    def fetch(config):
        config["modalities"][0]["parameters"]["backbone"] = name

    monkeypatch.setattr("timm.create_model", lambda *_, **__: pytest.fail("it is looked up"))
    change(tmp_path / "model", fetch)
    with pytest.raises(DataError, match="would be fetched"):
        load(tmp_path / "model")


def test_mutated_configs(saved, rows, tmp_path):
    """None fails but by DataError, none takes long or much memory."""
    shutil.copytree(saved, tmp_path / "base" / "model")
    (tmp_path / "base" / "model" / "SHA256SUMS").unlink()
    rows[:3].to_json(tmp_path / "base" / "rows.json")
    child = Path(__file__).with_name("fuzz_configs.py")
    done = subprocess.run(
        [sys.executable, child, tmp_path / "base" / "model", str(COUNT), "0"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = json.loads(done.stdout.splitlines()[-1])
    assert "wrong" not in outcomes, done.stderr[-3000:]
    assert outcomes["refused"] > COUNT / 2
    assert outcomes["seconds"] < 2
    assert outcomes["mebibytes"] < 500
    # Where a constant is another possible one, such as a name of a class, so are predictions.
    assert outcomes.get("other", 0) < COUNT / 20
