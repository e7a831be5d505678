import re

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as PILImage

from mmgraph import Image, MultimodalGraphClassifier, Text, Training, load
from mmgraph.nn.fusion import LateFusion
from mmgraph.tables.opening import read_frame

#: What `shell.quick` says.
QUICK = {"channels": 16, "epochs": 2, "random_state": 3, "verbose": False}


@pytest.fixture(scope="module")
def in_python(table):
    """Return an estimator fitted in Python on the rows that `mmgraph fit` takes, and the others."""
    frame = read_frame(table)
    image = Image("picture", backbone=None, size=32, root=table.parent)
    estimator = MultimodalGraphClassifier([image, Text("caption", features=None)], **QUICK)
    test = frame["split"] == "test"
    return estimator.fit(frame[~test], "label", groups="series"), frame[test]


def test_same_model_and_score_as_in_python(shell, table, fitted, in_python):
    path, said = fitted
    estimator, test = in_python
    assert said["rows"] == 27
    assert said["held_out_rows"] == estimator.facts_["held_out_rows"] > 0
    assert said["held_out"] == estimator.facts_["held_out"]
    scores = shell.json(f"evaluate {path} {table}")
    assert scores["rows"] == len(test) == 9
    assert scores["metrics"]["accuracy"] == estimator.score(test, "label")
    loaded = load(path)
    assert [each.root for each in loaded.modalities_ if isinstance(each, Image)] == [None]
    loaded.modalities_[0].root = table.parent
    np.testing.assert_array_equal(loaded.predict_proba(test), estimator.predict_proba(test))


def test_groups_are_recorded_and_no_input(fitted):
    facts = load(fitted[0]).facts_
    assert (facts["label"], facts["groups"]) == ("label", "series")
    assert fitted[1]["inputs"] == {"picture": "Image", "caption": "Text"}


def test_columns_are_inferred_as_the_estimator_does(shell, tmp_path):
    rows = [("warm", "red rose", 30, 1), ("cold", "blue sky", 3, 2), ("warm", "red", 29, 3)] * 6
    frame = pd.DataFrame(rows, columns=["label", "caption", "degrees", "series"])
    frame["degrees"] += np.arange(18) % 4
    frame["caption"] += [f" number {number}" for number in range(18)]
    frame["split"] = ["train", "val", "test"] * 6
    frame.to_csv(tmp_path / "t.csv", index=False)
    options = f"--label label --group series {shell.quick} --output {tmp_path / 'm'}"
    said = shell.json(f"fit {tmp_path / 't.csv'} {options}")
    assert said["rows"] == 12
    loaded = load(tmp_path / "m")
    assert loaded.feature_names_in_.tolist() == ["caption", "degrees"]


def test_several_labels_and_numbers(shell, tmp_path):
    frame = pd.DataFrame(
        {
            "plot": ["war", "love war", "love", "quiet"] * 4,
            "genres": ["War", "War| Drama", "Drama", None] * 4,
            "stars": [1.5, 2.0, 4.5, 3.0] * 4,
            "votes": [10, 20, 30, 20] * 4,
        }
    )
    path, common = tmp_path / "t.csv", f"--text plot {shell.quick}"
    frame.to_csv(path, index=False)
    films = tmp_path / "films.mmgraph"
    said = shell.json(
        f"fit {path} {common} --label genres --task multilabel --output {films} --batch-size 8"
    )
    assert said["task"] == "multilabel"
    assert films.is_file()
    assert load(films).classes_.tolist() == ["Drama", "War"]
    scores = shell.json(f"evaluate {films} {path} --metric samples_f1")["metrics"]
    assert scores.keys() == {"samples_f1"}
    shell(f"predict {films} {path} --output {tmp_path / 'p.csv'}")
    written = pd.read_csv(tmp_path / "p.csv", keep_default_na=False)
    assert set(written["prediction"]) <= {"", "War", "Drama", "Drama|War"}

    numbers = tmp_path / "numbers"
    said = shell.json(f"fit {path} {common} --label stars --label votes --output {numbers}")
    assert said["task"] == "regression"
    assert set(shell.json(f"evaluate {numbers} {path}")["metrics"]) == {"mae", "correlation"}
    shell(f"predict {numbers} {path} --output {tmp_path / 'p.jsonl'}")
    written = pd.read_json(tmp_path / "p.jsonl", lines=True)
    assert list(written) == ["row", "prediction_stars", "prediction_votes"]


def test_a_data_set_by_its_name(shell, tmp_path):
    for split in ("train", "test"):
        for kind in ("cat", "dog"):
            folder = tmp_path / "pets" / split / kind
            folder.mkdir(parents=True)
            for number in range(3):
                pixels = np.full((8, 8, 3), 40 if kind == "cat" else 200, np.uint8)
                PILImage.fromarray(pixels).save(folder / f"{number}.png")
    data, model = f"folder:{tmp_path / 'pets'}", tmp_path / "m"
    said = shell.json(f"fit {data} {shell.quick} --output {model}")
    assert (said["rows"], said["inputs"]) == (6, {"image": "Image"})
    assert shell.json(f"evaluate {model} {data}")["rows"] == 6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("{table} --output {new}", "name it with --label"),
        ("{table} --label colour --output {new}", "expected the column 'colour' to predict"),
        ("{table} --label label --text title --output {new}", "expected the column 'title'"),
        ("{table} --label label --group g --output {new}", "groups='g': there is no such column"),
        ("{table} --label label --split-column part --output {new}", "expected the column 'part'"),
        ("{table} --label label --split dev --output {new}", r"'train' \(18 rows\)"),
        ("{table} --label label --image caption --output {new}", "row 0, column 'caption'"),
        (
            "{table} --label label --text caption --from-scratch --channels 10 --output {new}",
            "multiple of 4",
        ),
        ("{table} --label label --root nowhere --output {new}", "no such folder"),
        ("{table} --label label --from-scratch --video caption --output {new}", "--from-scratch"),
        ("none.csv --label label --output {new}", "there is no such file"),
        ("hateful_memes --output {new}", "needs its folder: hateful_memes:FOLDER"),
        ("easy_vqa:here --output {new}", "comes without a folder"),
        ("memes --output {new}", "no data set of that name"),
    ],
)
def test_data_errors_are_one_line(shell, table, tmp_path, arguments, message):
    new = tmp_path / "new"
    line = shell.error(f"fit {arguments.format(table=table, new=new)} --epochs 1 --quiet")
    assert re.search(message, line)
    assert not new.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there(shell, table, tmp_path):
    command = f"fit {table} --label label --text caption {shell.quick} --quiet"
    line = shell.error(f"{command} --device gpu --output {tmp_path / 'm'}")
    assert "gpu" in line


def test_usage_errors(shell, table, model, tmp_path):
    for command in (
        f"fit {table} --label label",
        f"fit {table} --output {tmp_path / 'm'} --epochs no",
        f"fit {table} --label label --output {model}",
        "fits",
    ):
        stdout, stderr = shell(command, code=2)
        assert not stdout
        assert "Usage" in stderr
    # --overwrite replaces models and nothing else.
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("keep")
    command = (
        f"fit {table} --label label --text caption {shell.quick} --output {tmp_path / 'notes'}"
    )
    assert "not a saved model" in shell.error(f"{command} --overwrite --quiet")
    assert (tmp_path / "notes" / "todo.txt").read_text() == "keep"


def test_any_argument_can_be_set(shell, table, tmp_path):
    said = "--set fusion=late --set fusion__readout=mean --set training__patience=7 --set conv=null"
    columns = "--image picture --text caption --label label --set caption__max_tokens=9"
    shell.json(f"fit {table} {columns} {said} {shell.quick} --output {tmp_path / 'm'}")
    loaded = load(tmp_path / "m")
    assert loaded.chosen_fusion == LateFusion.options(readout="mean")
    assert loaded.training == Training(epochs=2, patience=7)
    assert loaded.modalities_[1].max_tokens == 9


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("patience", "--set patience: expected NAME=VALUE"),
        ("fusion=latte", "did you mean 'late'"),
        ("training__patiense=3", "did you mean 'patience'"),
        ("num_layers=2 --set fusion=late", "LateFusion does not take num_layers="),
    ],
)
def test_arguments_that_there_are_not(shell, table, tmp_path, said, message):
    columns = f"--text caption --label label {shell.quick}"
    line = shell.error(f"fit {table} {columns} --set {said} --output {tmp_path / 'm'}")
    assert message in line
