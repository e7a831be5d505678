import logging

import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import DataError, Features, MultimodalGraphClassifier, MultimodalGraphRegressor, load

ROWS = 60


def make_frame(rows=ROWS, seed=0):
    random = np.random.default_rng(seed)
    label = np.arange(rows) % 2
    frame = pd.DataFrame(
        {
            "first": list(random.normal(size=(rows, 4)) + 2 * label[:, None]),
            "second": list(random.normal(size=(rows, 3)) - label[:, None]),
        },
        index=[f"{seed}-{row}" for row in range(rows)],
    )
    frame.loc[frame.index[::7], "first"] = None
    frame.loc[frame.index[3::7], "second"] = None
    return frame, np.array(["a", "b"])[label]


def fit(y, kind=MultimodalGraphClassifier, **options):
    modalities = [Features("first"), Features("second")]
    model = kind(modalities, graph=False, verbose=False, **options)
    model.fit(make_frame()[0], y)
    if model.model_.neighbours is not None:
        model.model_.neighbours.weight = torch.tensor([0.0, 0.5, 0.5, 0.7])
    return model


@pytest.fixture
def model():
    return fit(make_frame()[1])


def count(model):
    return len(model.model_.neighbours.target)


def test_new_rows_vote_at_once_and_after_loading(model, tmp_path):
    rows, _ = make_frame(12, seed=1)
    before = model.predict_proba(rows)
    assert model.add(rows, ["a"] * 12) is model
    assert count(model) == len(model.known_rows_) == ROWS + 12
    after = model.predict_proba(rows)
    assert (after[:, 0] >= before[:, 0]).all()
    assert after[:, 0].mean() > before[:, 0].mean() + 0.01
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_allclose(again.predict_proba(rows), after, atol=1e-6)
    assert again.explain(rows[1:2])[0].neighbours[0].row == "'1-1'"
    assert again.add(rows, ["a"] * 12).known_rows_.names == model.known_rows_.names


def test_a_row_is_its_own_nearest_once_added(model):
    rows, label = make_frame(10, seed=2)
    model.add(rows, label)
    for name, found in zip(rows.index, model.explain(rows), strict=True):
        assert repr(name) in [each.row for each in found.neighbours[:2]]


def test_what_is_known_is_not_taken_in_twice(model, caplog):
    caplog.set_level(logging.INFO, "mmgraph")
    frame, label = make_frame()
    model.add(frame, label)
    assert count(model) == ROWS
    assert "0 rows added, 60 are known already, 0 have no input" in caplog.text
    rows, other = make_frame(10, seed=3)
    model.add(pd.concat([rows, rows]), [*other, *other])
    assert count(model) == ROWS + 10
    # The same row with another label is news.
    model.add(frame[:5], ["b" if each == "a" else "a" for each in label[:5]])
    assert count(model) == ROWS + 15


def test_rows_without_input_are_left_out(model):
    rows, label = make_frame(3, seed=4)
    rows.loc[:, "first"] = None
    rows["second"] = [None, np.ones(3), None]
    model.add(rows.assign(label=label), "label")
    assert count(model) == ROWS + 1
    assert model.model_.neighbours.has[-1].tolist() == [False, True]
    assert model.known_rows_.names[-1] == "'4-1'"


def test_new_classes_are_refused_by_name(model):
    rows, _ = make_frame(2, seed=5)
    with pytest.raises(DataError, match=r"row '5-1': expected .*got 'c'.*fit again"):
        model.add(rows, ["a", "c"])
    assert count(model) == ROWS


def test_numbers_and_labels_are_added_too():
    rows, _ = make_frame(4, seed=6)
    regressor = fit(np.arange(ROWS, dtype=float), MultimodalGraphRegressor)
    before = regressor.predict(rows)
    regressor.add(rows, [1e3] * 4)
    assert (regressor.predict(rows) > before + 10).all()
    with pytest.raises(DataError, match="expected 1 numbers for each row, as in training, got 2"):
        regressor.add(rows, np.ones((4, 2)))
    labels = [[{"x"}, {"x", "y"}, set()][row % 3] for row in range(ROWS)]
    labeller = fit(labels)
    labeller.add(rows, [{"y"}, set(), {"x", "y"}, {"x"}])
    assert labeller.model_.neighbours.target[-4:].tolist() == [[0, 1], [0, 0], [1, 1], [1, 0]]
    with pytest.raises(DataError, match="got 'z'"):
        labeller.add(rows, [{"y", "z"}] * 4)


def test_names_that_were_deleted_become_places(model):
    model.known_rows_ = None
    rows, label = make_frame(2, seed=7)
    model.add(rows, label)
    assert model.known_rows_.names[-3:] == [str(ROWS - 1), "'7-0'", "'7-1'"]


def test_models_whose_rows_do_not_vote_say_what_to_do(model, monkeypatch):
    rows, label = make_frame(2, seed=8)
    monkeypatch.setitem(model.model_.neighbours._buffers, "weight", torch.zeros(4))
    with pytest.raises(DataError, match="no weight, and further rows would change nothing"):
        model.add(rows, label)
    with pytest.raises(DataError, match="fit with neighbours=True"):
        fit(make_frame()[1], neighbours=False).add(rows, label)
