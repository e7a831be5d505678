import logging

import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import Features, MultimodalGraphClassifier, MultimodalGraphRegressor, load

ROWS = 120


@pytest.fixture(scope="module")
def frame():
    """Two modalities, either of which some rows lack; groups of three rows that are alike."""
    random = np.random.default_rng(0)
    group = np.arange(ROWS) // 3
    label = group % 3
    kin = random.normal(size=(ROWS, 6))[group * 3]
    first = np.eye(3)[label] @ random.normal(size=(3, 6)) + 0.5 * kin
    second = np.eye(3)[label] @ random.normal(size=(3, 4)) + random.normal(size=(ROWS, 4))
    table = pd.DataFrame({"first": list(first), "second": list(second)})
    table.loc[::10, "first"] = None
    table.loc[5::10, "second"] = None
    return table.assign(label=np.array(["a", "b", "c"])[label], group=group)


def make(frame, kind=MultimodalGraphClassifier, **options):
    options = {"graph": False, "verbose": False, **options}
    modalities = [Features("first"), Features("second")]
    inputs, groups = frame[["first", "second"]], frame["group"]
    y = frame["label"] if kind is MultimodalGraphClassifier else frame["group"].astype(float)
    return kind(modalities, **options).fit(inputs, y, groups=groups)


@pytest.fixture(scope="module")
def fitted(frame):
    return make(frame)


def test_left_out_rows_are_reported_and_training_rows_are_known(fitted, frame):
    held_out = fitted.facts_["held_out"]
    assert 0.6 < held_out["accuracy"] <= 1
    assert fitted.history_ == []
    assert fitted.score(frame, frame["label"]) >= held_out["accuracy"]


def test_every_pattern_of_modalities_is_weighed(fitted):
    pool, vote = fitted.model_.linear.pool, fitted.model_.neighbours.weight
    assert pool.shape == (4, 3)
    assert vote.shape == (4,)
    assert (pool >= 0).all()
    assert (vote >= 0).all()
    # What was learnt together says nothing of rows that lack a modality.
    assert pool[:-1, 0].tolist() == [0, 0, 0]


def test_rows_that_lack_a_modality_have_probabilities(fitted, frame):
    probability = fitted.predict_proba(frame.iloc[[0, 5]].assign(label=None))
    np.testing.assert_allclose(probability.sum(1), 1, rtol=1e-5)


def test_saved_models_predict_the_same(fitted, frame, tmp_path):
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_allclose(again.predict_proba(frame), fitted.predict_proba(frame), atol=1e-6)


def test_shares_of_nodes_add_up_to_the_linear_model(fitted, frame):
    from mmgraph.data.dataset import read_batches

    (batch,) = read_batches(fitted.modalities_, frame, len(frame))
    linear = fitted.model_.linear
    with torch.no_grad():
        shares = linear.shares(batch.items)
        nothing = {m.node_type: m.collate([[]] * len(frame)) for m in fitted.modalities_}
        whole = linear.parts(batch.items).has.all(1)
        total = torch.zeros(len(frame), 3)
        for name, share in shares.items():
            total.index_add_(0, batch.items[name].node_layout()["sample"], share)
        bias = linear(batch.items) - total
    assert nothing.keys() == shares.keys()
    # What the shares leave is the same for all rows with the same modalities.
    torch.testing.assert_close(bias[whole], bias[whole][:1].expand_as(bias[whole]))


def test_numbers_are_cross_fitted_too(frame):
    regressor = make(frame, MultimodalGraphRegressor)
    assert regressor.facts_["held_out"].keys() == {"loss", "mae"}
    assert np.isfinite(regressor.predict(frame)).all()


def test_a_graph_that_does_not_pay_is_left_out_and_that_is_said(frame, caplog):
    caplog.set_level(logging.INFO, "mmgraph")
    classifier = make(frame, graph="auto", epochs=1, learning_rate=1e-6)
    assert classifier.model_.weights.tolist() == [1, 0]
    assert "the graph is left out" in caplog.text


def test_neighbours_can_be_left_out(frame):
    assert make(frame, neighbours=False).model_.neighbours is None


def test_few_rows_get_the_plain_linear_model(frame):
    few = frame.iloc[:6]
    classifier = make(few)
    assert classifier.facts_["held_out"] == {}
    assert not classifier.model_.neighbours.used
    assert len(classifier.predict(few)) == 6


def test_the_same_seed_gives_the_same_model(fitted, frame):
    np.testing.assert_array_equal(make(frame).predict_proba(frame), fitted.predict_proba(frame))


def test_nothing_is_left_without_graph_and_linear_model(frame):
    with pytest.raises(ValueError, match="graph=False"):
        make(frame, linear=False)


def test_what_was_not_trained_has_no_vectors(fitted, frame):
    with pytest.raises(ValueError, match="fit with graph=True"):
        fitted.transform(frame)
