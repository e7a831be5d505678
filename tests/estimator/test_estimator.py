import logging
import os
import shutil
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from tolerance import SMALL, rounding
from torch_geometric.nn import SAGEConv

from mmgraph import DataError, Image, MultimodalGraphClassifier, Tabular, Text
from mmgraph.data.dataset import read_batches

TEXT = Text("text", features=None)


def test_fit_predict_score(frame, make_classifier):
    clf = make_classifier().fit(frame, frame["label"])
    probability = clf.predict_proba(frame)
    assert probability.shape == (24, 3)
    np.testing.assert_allclose(probability.sum(1), 1, rtol=1e-5)
    assert clf.classes_.tolist() == ["blue", "green", "red"]
    assert (clf.predict(frame) == clf.classes_[probability.argmax(1)]).all()
    assert clf.score(frame, frame["label"]) == np.mean(clf.predict(frame) == frame["label"])
    assert clf.score(frame, "label") > 0.9
    assert clf.transform(frame).shape == (24, 16)
    assert {"epoch", "train_loss", "val_loss", "val_accuracy"} <= set(clf.history_[0])
    assert clf.feature_names_in_.tolist() == ["image", "text"]


def test_labels_and_groups_are_no_inputs(frame, make_classifier):
    clf = MultimodalGraphClassifier(channels=16, num_layers=1, epochs=1, verbose=False)
    frame = frame[["text", "label", "series"]].assign(size=np.sin(np.arange(24)))
    clf.fit(frame, frame["label"], groups=frame["series"])
    assert clf.feature_names_in_.tolist() == ["text", "size"]


@pytest.mark.parametrize(
    "labels", [["b", "a"] * 12, [7, 3] * 12, [True, False] * 12, [0.0, 1.0] * 12]
)
def test_types_of_labels(frame, make_classifier, labels):
    clf = make_classifier([TEXT], epochs=1).fit(frame, labels)
    assert clf.classes_.tolist() == sorted(set(labels))
    assert clf.predict(frame).dtype == np.array(labels).dtype


def test_table_from_a_file_and_columns_by_name(frame, make_classifier, tmp_path):
    frame.to_csv(tmp_path / "table.csv", index=False)
    by_name = make_classifier([TEXT]).fit(tmp_path / "table.csv", "label", groups="series")
    given = make_classifier([TEXT]).fit(frame, frame["label"], groups=frame["series"])
    np.testing.assert_array_equal(by_name.predict_proba(frame), given.predict_proba(frame))


def test_row_alone_equals_row_in_any_batch(frame, make_classifier):
    frame.loc[3, "text"] = None
    frame.loc[4, "image"] = None
    frame.loc[5, ["image", "text"]] = None
    clf = make_classifier(num_layers=2).fit(frame, frame["label"])
    with pytest.warns(UserWarning, match=r"row 5: no input in any modality \(1 of 24 rows\)"):
        together = clf.predict_proba(frame)
    warnings.filterwarnings("ignore", message=".*no input in any modality")
    alone = np.concatenate([clf.predict_proba(frame[row : row + 1]) for row in range(24)])
    np.testing.assert_allclose(alone, together, atol=rounding(SMALL))
    in_fives = np.concatenate([clf.predict_proba(frame[row : row + 5]) for row in range(0, 24, 5)])
    np.testing.assert_allclose(in_fives, together, atol=rounding(SMALL))


def test_same_seed_same_model_and_nothing_else_moves(frame, make_classifier):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = make_classifier(random_state=1).fit(frame, frame["label"])
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(6)
    second = make_classifier(random_state=1).fit(frame, frame["label"])
    other = make_classifier(random_state=2).fit(frame, frame["label"])
    np.testing.assert_array_equal(first.predict_proba(frame), second.predict_proba(frame))
    assert not np.allclose(first.transform(frame), other.transform(frame))


def test_clone_and_parameters(make_classifier):
    clf = make_classifier(dropout=0.3)
    copy = clone(clf)
    assert copy is not clf
    assert copy.get_params()["dropout"] == 0.3
    assert copy.set_params(epochs=7).epochs == 7
    assert copy.set_params(training__epochs=8).chosen_training.epochs == 8
    with pytest.raises(NotFittedError):
        copy.predict(pd.DataFrame({"text": ["a"]}))


def test_model_selection(frame, make_classifier):
    clf = make_classifier([TEXT], epochs=1, refit=False)
    assert cross_val_score(clf, frame, frame["label"], cv=2).shape == (2,)
    search = GridSearchCV(clf, {"num_layers": [1, 2]}, cv=2).fit(frame, frame["label"])
    assert search.best_params_["num_layers"] in (1, 2)
    pipeline = make_pipeline("passthrough", clf).fit(frame, frame["label"])
    assert len(pipeline.predict(frame)) == 24


def test_modalities_are_inferred_and_named(frame, caplog):
    clf = MultimodalGraphClassifier(channels=16, epochs=1, validation=0.0, verbose=False)
    clf.modalities = None
    with caplog.at_level(logging.INFO, "mmgraph"):
        from mmgraph.data.infer import infer_modalities

        found = infer_modalities(frame, exclude=["label"])
    chosen = [(Image, "image"), (Text, "text"), (Tabular, ["series"])]
    assert [(type(m), m.columns) for m in found] == chosen
    assert "Image('image'), Text('text'), Tabular(['series'])" in caplog.text
    with pytest.raises(DataError, match="name the modalities"):
        clf.fit(frame[["series"]].assign(series=1), frame["label"])


def test_several_images_and_columns(frame, make_classifier):
    frame["image"] = [[path, path] for path in frame["image"]]
    frame["other"] = frame["text"]
    clf = make_classifier(
        [Image("image", backbone=None, size=32), Text(["text", "other"], features=None)]
    )
    clf.fit(frame, frame["label"])
    (batch,) = read_batches(clf.modalities_, frame[:2], 64)
    nodes = clf.model_.nodes(batch.items)
    assert nodes["image"].item.max() == 1
    assert nodes["text_other"].item.max() == 1


def test_whole_modality_missing(frame, make_classifier):
    clf = make_classifier().fit(frame, frame["label"])
    for column in ("image", "text"):
        assert np.isfinite(clf.predict_proba(frame.assign(**{column: None}))).all()
    with pytest.warns(UserWarning, match="no training row has a value in the column 'image'"):
        nothing = make_classifier().fit(frame.assign(image=None), frame["label"])
    assert np.isfinite(nothing.predict_proba(frame)).all()


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_parts(frame, make_classifier, linear, validation):
    clf = make_classifier(linear=linear, validation=validation).fit(frame, frame["label"])
    assert (clf.model_.linear is not None) == linear
    assert ("val_loss" in clf.history_[0]) == (validation > 0)
    assert np.isfinite(clf.predict_proba(frame)).all()


def test_any_convolution_and_readout(frame, make_classifier):
    clf = make_classifier([TEXT], conv=SAGEConv, readout="set2set", execution="sparse")
    assert np.isfinite(clf.fit(frame, frame["label"]).predict_proba(frame)).all()


def test_messages_only_when_wanted(frame, make_classifier, capsys):
    make_classifier([TEXT], epochs=1).fit(frame, frame["label"])
    assert capsys.readouterr().err == ""
    assert not logging.getLogger("mmgraph").handlers


def bad_inputs():
    return {
        "one class": (lambda f: (f, ["red"] * 24), "at least two classes"),
        "missing label": (
            lambda f: (f, f["label"].where(f.index != 4)),
            "row 4: expected a label.*notna",
        ),
        "empty": (lambda f: (f[:0], []), "at least one row"),
        "short labels": (lambda f: (f, ["red"] * 3), "each of 24 rows, got 3"),
        "fractions": (lambda f: (f, np.linspace(0, 1, 24)), "fractions such as 0.04.* in row 1;"),
        "mixed labels": (lambda f: (f, ["a", 1] * 12), "one type.*astype"),
        "unknown label column": (lambda f: (f, "class"), "no such column"),
        "unknown column": (lambda f: (f.rename(columns={"text": "t"}), f["label"]), "'text'"),
        "twice a column": (
            lambda f: (pd.concat([f, f[["text"]]], axis=1), f["label"]),
            "'text'.*repeated",
        ),
        "bytes for text": (
            lambda f: (f.assign(text=[b"a"] * 24), f["label"]),
            "row 0, column 'text': expected text, got bytes",
        ),
        "no table": (lambda f: (3, f["label"]), "expected a DataFrame"),
        "table of labels": (lambda f: (f, f[["label", "text"]]), "one label for each row"),
    }


@pytest.mark.parametrize("case", bad_inputs())
def test_bad_input_is_one_clear_error(frame, make_classifier, case):
    spoil, message = bad_inputs()[case]
    X, y = spoil(frame)
    with pytest.raises(DataError, match=message):
        make_classifier().fit(X, y)


def test_missing_file_names_row_and_column(frame, make_classifier):
    os.remove(frame["image"][7])
    frame.index = frame.index + 100
    with pytest.raises(DataError, match=r"row 107 \(position 7\), column 'image': .*7\.png"):
        make_classifier().fit(frame, frame["label"])


def test_broken_image_raises_or_counts_as_missing(frame, make_classifier):
    with open(frame["image"][2], "wb") as file:
        file.write(b"not an image")
    with pytest.raises(DataError, match="row 2, column 'image'"):
        make_classifier().fit(frame, frame["label"])
    forgiving = Image("image", backbone=None, size=32, unreadable="missing")
    with pytest.warns(UserWarning, match="1 unreadable values in 24 rows count as missing"):
        clf = make_classifier([forgiving, TEXT]).fit(frame, frame["label"])
    with pytest.warns(UserWarning, match="count as missing"):
        assert len(clf.predict(frame)) == 24


def test_duplicated_index_is_no_problem(frame, make_classifier):
    frame.index = [0] * 24
    clf = make_classifier().fit(frame, frame["label"])
    assert len(clf.predict(frame)) == 24


def test_two_modalities_of_one_name(frame, make_classifier):
    with pytest.raises(DataError, match="give one a name="):
        make_classifier([TEXT, Text("text", features=None)]).fit(frame, frame["label"])


def test_frozen_features_are_computed_once(frame, make_classifier, cache_folder):
    modalities = [Image("image", size=64)]
    clf = make_classifier(modalities, epochs=1).fit(frame, frame["label"])
    assert list(cache_folder.rglob("*.sqlite"))
    for path in frame["image"][1:]:
        shutil.copy(frame["image"][0], path)  # all known to the cache now
    assert np.ptp(clf.predict_proba(frame), axis=0).max() < 1e-6


def test_rows_far_down_are_named_by_their_place_in_the_whole_table(
    frame, make_classifier, monkeypatch
):
    clf = make_classifier([TEXT], epochs=1, refit=False).fit(frame, frame["label"])
    monkeypatch.setattr("mmgraph.data.transform._ROWS_AT_ONCE", 10)
    frame["text"] = frame["text"].astype(object)
    frame.loc[17, "text"] = b"four"
    with pytest.raises(DataError, match=r"^row 17, column 'text': expected text"):
        clf.predict(frame)
    frame.index = frame.index + 100
    with pytest.raises(DataError, match=r"^row 117 \(position 17\), column 'text'"):
        clf.predict(frame)


def test_missing_group_is_one_clear_error(frame, make_classifier):
    with pytest.raises(DataError, match="row 3: expected a group"):
        make_classifier([TEXT]).fit(frame, "label", groups=frame["series"].where(frame.index != 3))


def test_cells_of_other_types_name_row_and_column(frame, make_classifier):
    frame["image"] = frame["image"].astype(object)
    frame.at[5, "image"] = {"path": "a.png"}
    with pytest.raises(DataError, match=r"row 5, column 'image': expected an image.*got dict"):
        make_classifier().fit(frame, frame["label"])
