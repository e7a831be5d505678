import json
import os
import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch
from tolerance import PRETRAINED, rounding
from torch_geometric.nn import SAGEConv, TransformerConv

from mmgraph import (
    Chain,
    Complete,
    DataError,
    Image,
    Nearest,
    Text,
    Training,
    WithPosition,
    load,
)
from mmgraph.message_passing.convs.names import transformer_conv
from mmgraph.nn.fusion import GraphFusion
from mmgraph.nn.readout import Readout
from mmgraph.saving.renames import FORMAT

SCRIPT = """
import os, sys
import numpy as np, pandas as pd
from mmgraph import load
folder, *names = sys.argv[1:]
frame = pd.read_json(os.path.join(folder, "frame.json"))
for name in names:
    clf = load(os.path.join(folder, name))
    alone = [clf.predict_proba(frame[row : row + 1]) for row in range(len(frame))]
    both = np.stack([clf.predict_proba(frame), np.concatenate(alone)])
    np.save(os.path.join(folder, f"{name}.npy"), both)
"""


@pytest.fixture
def text_model(frame, make_classifier, tmp_path):
    """Return the folder of a small saved model of texts."""
    clf = make_classifier([Text("text", features=None)], epochs=1, refit=False)
    clf.fit(frame, frame["label"]).save(tmp_path / "text_model")
    return tmp_path / "text_model"


def test_another_process_predicts_the_same(frame, make_classifier, tmp_path):
    plain = frame.copy()
    frame.loc[5, "text"] = None
    frame.to_json(tmp_path / "frame.json")
    choices = {"scratch": None, "pretrained": [Image("image", size=64), Text("text")]}
    models = {
        name: make_classifier(modalities).fit(plain, plain["label"])
        for name, modalities in choices.items()
    }
    for name, clf in models.items():
        clf.save(tmp_path / name)
    # A cold cache, so that features are computed again from the saved weights.
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path), *models],
        check=True,
        env={**os.environ, "MMGRAPH_CACHE": str(tmp_path / "cold")},
    )
    for name, clf in models.items():
        together, alone = np.load(tmp_path / f"{name}.npy")
        expected = clf.predict_proba(frame)
        np.testing.assert_allclose(together, expected, atol=rounding(PRETRAINED), err_msg=name)
        np.testing.assert_allclose(alone, expected, atol=rounding(PRETRAINED), err_msg=name)


def test_folder_holds_no_pickle(frame, make_classifier, tmp_path):
    make_classifier().fit(frame, frame["label"]).save(tmp_path / "model")
    files = {path.suffix for path in (tmp_path / "model").rglob("*") if path.is_file()}
    assert files <= {".json", ".safetensors", ".model", ".md", ""}
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["format"] == FORMAT
    assert config["mmgraph"]


def test_loaded_estimator_is_complete(frame, make_classifier, tmp_path):
    relations = {
        ("text", "near", "text"): WithPosition(Chain(2)),
        ("text", "like", "text"): Nearest(2, metric="euclidean"),
        ("image", "to", "text"): Complete(),
    }
    clf = make_classifier(relations=relations, conv=TransformerConv).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.chosen_fusion == clf.chosen_fusion
    assert loaded.chosen_fusion.options["relations"] == relations
    assert loaded.chosen_fusion.options["conv"] is TransformerConv
    assert loaded.training == clf.chosen_training
    assert loaded.history_ == clf.history_
    assert loaded.get_params()["channels"] == 16
    np.testing.assert_array_equal(loaded.predict(frame), clf.predict(frame))
    loaded.fit(frame, frame["label"])  # and can be trained again
    loaded.save(tmp_path / "again")


def test_own_code_is_given_again(frame, make_classifier, tmp_path):
    class Shouted(Text):
        """A modality of the user's."""

    def own_conv(i, o):
        return SAGEConv(i, o)

    clf = make_classifier([Shouted("text", features=None)], conv=own_conv)
    clf.fit(frame, frame["label"]).save(tmp_path / "model")
    with pytest.raises(DataError, match=r"own_conv.*conv="):
        load(tmp_path / "model")
    with pytest.raises(DataError, match=r"modalities=\[Shouted\]"):
        load(tmp_path / "model", conv=own_conv)
    loaded = load(tmp_path / "model", conv=own_conv, modalities=[Shouted])
    np.testing.assert_array_equal(loaded.predict(frame), clf.predict(frame))


def test_nothing_is_overwritten_unasked(frame, make_classifier, tmp_path):
    clf = make_classifier([Text("text", features=None)]).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        clf.save(tmp_path / "model")
    clf.save(tmp_path / "model", overwrite=True)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="not a saved model"):
        clf.save(tmp_path / "thesis", overwrite=True)
    assert (tmp_path / "thesis" / "chapter.txt").exists()
    assert not list(tmp_path.glob(".model-*"))


def test_a_full_disk_leaves_the_model_that_was_there(text_model, monkeypatch):
    clf, before = load(text_model), sorted(text_model.parent.rglob("*"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OSError, match="No space left"):
        clf.save(text_model, overwrite=True)
    assert sorted(text_model.parent.rglob("*")) == before
    assert load(text_model).classes_.tolist() == clf.classes_.tolist()


def test_damaged_and_newer_models(frame, make_classifier, tmp_path):
    folder = tmp_path / "model"
    with pytest.raises(DataError, match="expected a folder"):
        load(folder)
    make_classifier([Text("text", features=None)]).fit(frame, frame["label"]).save(folder)
    (folder / "SHA256SUMS").unlink()  # as models of before
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"format": 99, "mmgraph": "9.0"}))
    with pytest.raises(DataError, match=r"9\.0, which is newer"):
        load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        load(folder)
    (folder / "config.json").write_text(json.dumps(config))
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"model\.safetensors: damaged"):
        load(folder)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda config: [],
        lambda config: config | {"format": "new"},
        lambda config: {key: value for key, value in config.items() if key != "targets"},
        lambda config: config | {"modalities": [{"type": "Text"}]},
    ],
)
def test_altered_config_is_one_clear_error(text_model, spoil):
    path = text_model / "config.json"
    (text_model / "SHA256SUMS").unlink()
    path.write_text(json.dumps(spoil(json.loads(path.read_text()))))
    with pytest.raises(DataError, match="damaged, save it again"):
        load(text_model)


@pytest.mark.parametrize("name", ["tokenizer.model", "statistics.safetensors"])
def test_lost_files_are_one_clear_error(text_model, name):
    (text_model / "modalities" / "text" / name).unlink()
    with pytest.raises(DataError, match="damaged, save it again"):
        load(text_model)


def test_weights_of_another_model(text_model, make_classifier, frame, tmp_path):
    text = Text("text", features=None)
    other = make_classifier([text], channels=8, epochs=1, refit=False)
    other.fit(frame, frame["label"]).save(tmp_path / "other")
    (tmp_path / "other" / "model.safetensors").replace(text_model / "model.safetensors")
    with pytest.raises(DataError, match="its checksum is another one"):
        load(text_model)
    (text_model / "SHA256SUMS").unlink()
    with pytest.raises(DataError, match="of another model"):
        load(text_model)


def test_folders_of_other_programs_are_never_replaced(text_model, tmp_path):
    clf, other = load(text_model), tmp_path / "bert"
    other.mkdir()
    (other / "config.json").write_text('{"architectures": ["BertModel"]}')
    (other / "model.safetensors").write_bytes(b"months of training")
    with pytest.raises(FileExistsError, match="not a saved model"):
        clf.save(other, overwrite=True)
    assert (other / "model.safetensors").read_bytes() == b"months of training"
    with pytest.raises(FileExistsError, match="not a saved model"):
        clf.save(other / "config.json", overwrite=True)
    (tmp_path / "empty").mkdir()
    clf.save(tmp_path / "empty", overwrite=True)
    assert load(tmp_path / "empty").classes_.tolist() == clf.classes_.tolist()


def test_numbers_of_a_grid_search_are_saved(text_model, tmp_path):
    clf = load(text_model).set_params(epochs=np.int64(3), dropout=np.float64(0.5), log_dir=tmp_path)
    clf.fitted_params_ = clf.chosen_params()  # as if fitted with them
    clf.save(tmp_path / "again")
    loaded = load(tmp_path / "again")
    chosen = loaded.get_params()
    names = ("training__epochs", "fusion__dropout", "log_dir")
    assert [chosen[name] for name in names] == [3, 0.5, str(tmp_path)]


def test_default_convolution_may_be_named(frame, make_classifier, tmp_path):
    text = Text("text", features=None)
    clf = make_classifier([text], conv=transformer_conv, epochs=1, refit=False)
    clf.fit(frame, frame["label"]).save(tmp_path / "model")
    assert load(tmp_path / "model").get_params()["fusion__conv"] is transformer_conv


def test_models_whose_training_and_fusion_had_no_parts_of_their_own(text_model, frame):
    path, expected = text_model / "config.json", load(text_model)
    (text_model / "SHA256SUMS").unlink()
    config = json.loads(path.read_text())
    parameters = config["parameters"]
    training = parameters.pop("training")
    shared = ("epochs", "batch_size", "accumulate", "learning_rate", "modality_dropout")
    flat = {name: training[name] for name in shared}
    usual = {"conv": None, "relations": None, "readout": "attention", "dropout": 0.2}
    flat |= {"fusion": None, "num_layers": 1, "execution": "auto", "cross_fit": True, **usual}
    path.write_text(json.dumps(config | {"format": 1, "parameters": parameters | flat}))
    loaded = load(text_model)
    assert loaded.chosen_fusion == expected.chosen_fusion == GraphFusion.options(num_layers=1)
    assert loaded.chosen_training == expected.chosen_training
    np.testing.assert_array_equal(loaded.predict_proba(frame), expected.predict_proba(frame))


class Largest(Readout):
    """A readout of the user's."""

    def __init__(self, channels):
        super().__init__("max", channels)


def test_names_and_own_classes_of_a_fusion(frame, make_classifier, tmp_path):
    text = Text("text", features=None)
    fusion = GraphFusion.options(conv="gat", readout=Largest, num_layers=1)
    clf = make_classifier([text], fusion=fusion, epochs=1, refit=False).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    with pytest.raises(DataError, match=r"the readout 'Largest'.*GraphFusion.options\(readout="):
        load(tmp_path / "model")
    loaded = load(tmp_path / "model", fusion=GraphFusion.options(readout=Largest))
    assert loaded.chosen_fusion == fusion
    np.testing.assert_array_equal(loaded.predict_proba(frame), clf.predict_proba(frame))


def test_an_optimizer_of_ones_own_is_not_needed_to_predict(frame, make_classifier, tmp_path):
    def own(groups, lr, weight_decay):
        return torch.optim.SGD(groups, lr=lr, weight_decay=weight_decay)

    text, training = Text("text", features=None), Training(epochs=1, optimizer=own)
    clf = make_classifier([text], epochs=None, training=training).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    with pytest.warns(UserWarning, match="optimiser 'own', which is not one of torch's"):
        loaded = load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(frame), clf.predict_proba(frame))
