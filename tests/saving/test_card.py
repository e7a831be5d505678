import json

import numpy as np
import pytest

from mmgraph import MultimodalGraphRegressor, Text, __version__, load

TEXT = Text("text", features=None)


def card_of(estimator, folder):
    estimator.save(folder)
    return (folder / "README.md").read_text("utf-8")


def test_card_states_the_data(frame, make_classifier, tmp_path):
    frame.loc[[0, 1, 2], "text"] = None
    clf = make_classifier().fit(frame, "label", groups="series")
    card = card_of(clf, tmp_path / "model")
    assert "predicts one of 3 classes of `label` from `image` (image) and `text` (text)" in card
    assert "Fitted on 24 rows" in card
    assert "| image | Image | `image` | 24 |" in card
    assert "| text | Text | `text` | 21 |" in card
    assert "| blue | 8 |" in card
    assert "fewer than 10 training rows: blue, green, red" in card
    assert "No training row lacked `image`: rows" in card
    assert f"| mmgraph | {__version__} |" in card


def test_held_out_score_is_what_the_model_has_on_these_rows(frame, make_classifier, tmp_path):
    # The linear model and the neighbours have seen all rows in the end.
    alone = {"validation": 0.25, "refit": False, "linear": False}
    clf = make_classifier([TEXT], **alone).fit(frame, frame["label"])
    assert clf.facts_["held_out_rows"] == 6
    from mmgraph.data.holdout import hold_out

    codes = np.unique(frame["label"], return_inverse=True)[1]
    rows = hold_out(codes, None, 0.25, seed=0)
    assert clf.facts_["held_out"]["accuracy"] == pytest.approx(
        clf.score(frame.iloc[rows], frame["label"].iloc[rows])
    )
    probability = clf.predict_proba(frame.iloc[rows])[np.arange(6), codes[rows]]
    assert clf.facts_["held_out"]["loss"] == pytest.approx(-np.log(probability).mean(), rel=1e-4)
    card = card_of(clf, tmp_path / "model")
    assert f"| accuracy | {clf.facts_['held_out']['accuracy']:.4f} |" in card
    assert "On 6 of the rows" in card


def test_no_held_out_rows(frame, make_classifier, tmp_path):
    clf = make_classifier([TEXT], validation=0.0).fit(frame, frame["label"])
    assert "No rows were held out" in card_of(clf, tmp_path / "model")


def test_labels(frame, make_classifier, tmp_path):
    labels = [["warm", "a|b"] if color == "red" else [] for color in frame["label"]]
    clf = make_classifier([TEXT], modality_dropout=0.3).fit(frame, labels)
    card = card_of(clf, tmp_path / "model")
    assert "any of 2 labels from" in card
    assert r"| a\|b | 8 |" in card
    assert "hidden with probability 0.3" in card


def test_numbers(frame, tmp_path):
    quick = {"channels": 16, "num_layers": 1, "epochs": 1, "verbose": False}
    reg = MultimodalGraphRegressor([TEXT], **quick).fit(frame, [0.0, 1.0, 5.0] * 8)
    card = card_of(reg, tmp_path / "model")
    assert "predicts a number from" in card
    assert "| 0 | 0 | 2 | 5 |" in card
    assert "| mae |" in card


def test_facts_are_saved_and_older_models_have_none(frame, make_classifier, tmp_path):
    clf = make_classifier([TEXT]).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.facts_ == clf.facts_
    path = tmp_path / "model" / "config.json"
    (tmp_path / "model" / "SHA256SUMS").unlink()
    config = json.loads(path.read_text())
    del config["facts"]
    path.write_text(json.dumps(config))
    older = load(tmp_path / "model")
    assert older.facts_ == {}
    card = card_of(older, tmp_path / "again")
    assert "| blue | unknown |" in card
    assert "Fitted on" not in card
