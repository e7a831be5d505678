import json
from dataclasses import dataclass

import pytest

from mmgraph import DataError, MultimodalGraphClassifier, Text, load
from mmgraph.saving import renames
from mmgraph.saving.renames import (
    FORMAT,
    STEPS,
    Step,
    check_arguments,
    upgrade,
    upgrade_modalities,
    upgrade_weights,
)

CONFIG = {
    "format": 1,
    "estimator": "Classifier",
    "parameters": {
        "depth": 3,
        "conv": "OldConv",
        "fusion": None,
        "relations": [[["a", "to", "a"], "Outer", {"of": ["Inner", {"size": 2}]}]],
    },
    "modalities": [{"type": "Words", "parameters": {"length": 5}, "state": {}}],
}
FIRST = Step(
    arguments={"depth": "layers"},
    classes={"Words": "Text", "Inner": "Chain", "OldConv": "Conv"},
    fields={"Text": {"length": "max_tokens"}, "Chain": {"size": "reach"}},
    weights={"old.part.": "new.piece.", "old.": "new."},
)


def halve(config):
    config["parameters"]["num_layers"] //= 2


SECOND = Step(arguments={"layers": "num_layers"}, weights={"new.": "newest."}, change=halve)


@pytest.fixture
def steps(monkeypatch):
    monkeypatch.setattr(renames, "STEPS", (FIRST, SECOND))


@pytest.mark.usefixtures("steps")
def test_steps_follow_each_other():
    before = json.dumps(CONFIG)
    config = upgrade(CONFIG)
    assert json.dumps(CONFIG) == before
    parameters = config["parameters"]
    assert (parameters["num_layers"], parameters["conv"]) == (1, "Conv")
    assert parameters["relations"] == [
        [["a", "to", "a"], "Outer", {"of": {"relation": "Chain", "settings": {"reach": 2}}}]
    ]
    assert config["modalities"][0]["type"] == "Text"
    assert config["modalities"][0]["parameters"] == {"max_tokens": 5}
    assert upgrade_modalities(CONFIG["modalities"], 1) == config["modalities"]
    found = upgrade_weights({"old.part.x": 1, "old.x": 2, "x.old.": 3}, 1)
    assert found == {"newest.piece.x": 1, "newest.x": 2, "x.old.": 3}


@pytest.mark.usefixtures("steps")
def test_options_of_a_fusion_are_parts_too():
    options = {"conv": "OldConv", "relations": CONFIG["parameters"]["relations"], "wide": 1}
    fusion = {"kind": "Words", "options": {**options, "length": 3}}
    parameters = {"depth": 4, "fusion": fusion, "relations": None}
    found = upgrade(CONFIG | {"parameters": parameters})["parameters"]["fusion"]
    assert found["kind"] == "Text"
    assert found["options"]["conv"] == "Conv"
    assert found["options"]["max_tokens"] == 3
    inner = {"relation": "Chain", "settings": {"reach": 2}}
    assert found["options"]["relations"][0][2] == {"of": inner}
    unwritten = [[["a", "to", "a"], "Custom", None]]
    parameters = {"depth": 4, "fusion": None, "relations": unwritten}
    assert upgrade(CONFIG | {"parameters": parameters})["parameters"]["relations"] == unwritten


@pytest.mark.usefixtures("steps")
def test_a_model_of_the_second_format_takes_the_second_step_alone():
    assert upgrade_weights({"old.x": 1, "new.x": 2}, 2) == {"old.x": 1, "newest.x": 2}
    assert upgrade_weights({"new.x": 2}, 3) == {"new.x": 2}
    later = CONFIG | {"format": 2, "parameters": {"layers": 4, "depth": 1, "relations": None}}
    assert upgrade(later)["parameters"] == {"num_layers": 2, "depth": 1, "relations": None}


def test_today_needs_no_step():
    config = CONFIG | {"format": FORMAT}
    assert upgrade(config) == config
    assert len(STEPS) == FORMAT - 1


@pytest.mark.usefixtures("steps")
def test_what_is_called_otherwise_today_is_said():
    @dataclass
    class Model:
        num_layers: int = 1

    check_arguments(Model, {"num_layers": 2}, "0.1.0", "model")
    with pytest.raises(DataError, match=r"model: written by mmgraph 0\.1\.0.*now num_layers"):
        check_arguments(Model, {"depth": 2}, "0.1.0", "model")
    with pytest.raises(DataError, match=r"unknown argument colour.*known are num_layers"):
        check_arguments(Model, {"colour": 2}, "0.1.0", "model")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    import pandas as pd

    frame = pd.DataFrame({"t": ["a red cat", "a blue dog", "red thing", "blue cat"] * 4})
    quick = {"channels": 8, "epochs": 1, "num_layers": 1, "verbose": False}
    model = MultimodalGraphClassifier([Text("t", features=None)], **quick)
    path = tmp_path_factory.mktemp("saved") / "model"
    model.fit(frame, ["r", "b", "r", "b"] * 4).save(path)
    (path / "SHA256SUMS").unlink()  # as models of before
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["parameters"].update(colour=1), r"unknown argument colour of Multimodal"),
        (lambda c: c["parameters"].update(additive=True), r"additive of .* is now linear"),
        (lambda c: c["modalities"][0]["parameters"].update(n=1), r"unknown argument n of Text"),
    ],
)
def test_arguments_that_cannot_be_mapped_are_named(saved, change, message):
    path = saved / "config.json"
    before = path.read_text("utf-8")
    config = json.loads(before)
    change(config)
    config["mmgraph"] = "0.0.7"
    path.write_text(json.dumps(config), "utf-8")
    try:
        with pytest.raises(DataError, match=rf"written by mmgraph 0\.0\.7.*{message}"):
            load(saved)
    finally:
        path.write_text(before, "utf-8")
