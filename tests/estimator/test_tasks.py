"""Labels, numbers, absent inputs and other fusions, through the estimators."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from tolerance import SMALL, rounding

from mmgraph import DataError, Image, MultimodalGraphRegressor, Text, load
from mmgraph.data.dataset import read_batches
from mmgraph.nn.encoders.absent import AbsentNode
from mmgraph.nn.fusion import ConcatFusion, GraphFusion, WeightedSumFusion

TEXT = Text("text", features=None)
IMAGE = Image("image", backbone=None, size=32)


@pytest.fixture
def labels(frame):
    """Return sets of labels that the captions tell: their colour, and whether they are small."""
    words = zip(frame["label"], frame["text"].str.contains("small"), strict=True)
    return [{color, "small"} if small else {color} for color, small in words]


@pytest.fixture
def make_regressor():
    def make(modalities=(TEXT,), **options):
        quick = {"channels": 16, "num_layers": 1, "epochs": 2, "verbose": False}
        return MultimodalGraphRegressor(list(modalities), **{**quick, **options})

    return make


def test_sets_of_labels(frame, labels, make_classifier, tmp_path):
    clf = make_classifier([TEXT], epochs=5).fit(frame, labels)
    assert clf.classes_.tolist() == ["blue", "green", "red", "small"]
    assert clf.multilabel_
    predicted, probability = clf.predict(frame), clf.predict_proba(frame)
    assert set(np.unique(predicted)) <= {0, 1}
    threshold = float(clf.model_.task.threshold)
    np.testing.assert_array_equal(predicted, probability >= threshold)
    truth = np.array([[name in row for name in clf.classes_] for row in labels])
    assert clf.score(frame, labels) == accuracy_score(truth, predicted)
    assert clf.score(frame, truth.astype(int)) == clf.score(frame, labels)
    assert (predicted == truth).mean() > 0.9
    assert clf.score(frame, [{"unheard of"}] * 24) == 0
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_array_equal(again.predict(frame), predicted)
    assert again.score(frame, labels) == clf.score(frame, labels)


def test_table_of_labels_and_its_columns_by_name(frame, labels, make_classifier):
    names = ["blue", "green", "red", "small"]
    table = pd.DataFrame({name: [int(name in row) for row in labels] for name in names})
    by_table = make_classifier([TEXT], epochs=1).fit(frame, table)
    assert by_table.classes_.tolist() == names
    wide = pd.concat([frame, table], axis=1)
    by_name = make_classifier([TEXT], epochs=1).fit(wide, names)
    np.testing.assert_array_equal(by_table.predict_proba(frame), by_name.predict_proba(wide))
    assert by_name.score(wide, names) == by_table.score(frame, table)


def test_a_row_without_labels_is_fine(frame, labels, make_classifier):
    clf = make_classifier([TEXT], epochs=1).fit(frame, [set(), *labels[1:]])
    assert clf.predict(frame).shape == (24, 4)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rows: [*rows[:-1], "red"], "row 23: expected a set or list of labels.*'red'"),
        (lambda rows: [set() for _ in rows], "only empty ones"),
        (lambda rows: [{1}, *rows[1:]], "one type, got int and str"),
        (lambda rows: [{None}, *rows[1:]], "row 0: expected a label, got a missing value"),
        (lambda rows: np.full((24, 2), 0.5), "row 0, label 0.*a table of 0 and 1"),
    ],
)
def test_bad_labels(frame, labels, make_classifier, spoil, message):
    with pytest.raises(DataError, match=message):
        make_classifier([TEXT]).fit(frame, spoil(labels))


def test_one_number(frame, make_regressor, tmp_path):
    price = frame["label"].map({"red": 10.0, "green": 20.0, "blue": 60.0}) + 1000
    reg = clone(make_regressor(epochs=15)).fit(frame, price)
    predicted = reg.predict(frame)
    assert predicted.shape == (24,)
    assert reg.score(frame, price) > 0.6
    wide = frame.assign(price=price)
    assert make_regressor(epochs=15).fit(wide, "price").score(wide, "price") > 0.6
    assert {"train_mae", "val_mae"} <= set(reg.history_[0])
    reg.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again, MultimodalGraphRegressor)
    np.testing.assert_allclose(again.predict(frame), predicted, rtol=1e-6)


@pytest.mark.parametrize("linear", [True, False])
@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_several_numbers(frame, make_regressor, linear, validation):
    wide = frame.assign(a=[0.0, 1.0, 2.0] * 8, b=[5, -5, 0] * 8)
    reg = make_regressor(linear=linear, validation=validation, epochs=1).fit(wide, ["a", "b"])
    assert reg.predict(wide).shape == (24, 2)
    assert np.isfinite(reg.score(wide, ["a", "b"]))


def test_numbers_of_any_scale(frame, make_regressor):
    price = frame["label"].map({"red": 1.0, "green": 2.0, "blue": 6.0})
    small = make_regressor(epochs=1).fit(frame, price).predict(frame)
    large = make_regressor(epochs=1).fit(frame, 1e6 * price).predict(frame)
    np.testing.assert_allclose(large, 1e6 * small, rtol=1e-3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["a"] * 24, "expected numbers, got str.*MultimodalGraphClassifier"),
        ([1.0] * 23 + [np.nan], "row 23: expected a number.*1 of 24 rows"),
        ([1.0] * 23 + [np.inf], "row 23: expected a number"),
    ],
)
def test_bad_numbers(frame, make_regressor, values, message):
    with pytest.raises(DataError, match=message):
        make_regressor().fit(frame, values)


def test_rows_without_input_get_the_prior(frame, make_classifier, make_regressor, labels):
    frame = frame[frame["label"] != "green"].iloc[:12].reset_index(drop=True)
    frame.loc[0, "label"] = "blue"  # blue is now the more common
    empty = frame.assign(image=None, text="")
    clf = make_classifier().fit(frame, frame["label"])
    with pytest.warns(UserWarning, match="row 0, 1, 2, 3, 4: no input.*12 of 12"):
        probability = clf.predict_proba(empty)
    share = (frame["label"].to_numpy()[:, None] == clf.classes_).mean(0)
    np.testing.assert_allclose(probability, np.tile(share, (12, 1)), atol=rounding(SMALL))
    with pytest.warns(UserWarning, match="no input"):
        assert set(clf.predict(empty)) == {"blue"}
    price = np.arange(12.0)
    reg = make_regressor().fit(frame, price)
    with pytest.warns(UserWarning, match="no input"):
        np.testing.assert_allclose(reg.predict(empty), price.mean(), rtol=1e-5)


def test_items_are_counted(frame, make_classifier):
    clf = make_classifier(epochs=1).fit(frame, frame["label"])
    mixed = frame[:3].assign(image=[None, [frame["image"][0]] * 2, frame["image"][1]])
    mixed.loc[0, "text"] = None
    mixed.index = [7, 8, 9]
    expected = pd.DataFrame({"image": [0, 2, 1], "text": [0, 1, 1]}, index=[7, 8, 9])
    pd.testing.assert_frame_equal(clf.count_items(mixed), expected)


@pytest.mark.parametrize("fusion", [ConcatFusion, WeightedSumFusion])
def test_other_fusions(frame, make_classifier, fusion, tmp_path):
    clf = make_classifier(fusion=fusion).fit(frame, frame["label"])
    assert isinstance(clf.model_.fusion, fusion)
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert isinstance(again.model_.fusion, fusion)
    np.testing.assert_allclose(
        again.predict_proba(frame), clf.predict_proba(frame), atol=rounding(SMALL)
    )


def narrow(modalities, channels):
    return ConcatFusion(modalities, channels)


def test_a_fusion_of_ones_own_must_be_given_again(frame, make_classifier, tmp_path):
    clf = make_classifier([TEXT], fusion=narrow).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    with pytest.raises(DataError, match=r"the fusion 'narrow'.*load\(path, fusion="):
        load(tmp_path / "model")
    again = load(tmp_path / "model", fusion=narrow)
    np.testing.assert_allclose(
        again.predict_proba(frame), clf.predict_proba(frame), atol=rounding(SMALL)
    )


def test_items_of_a_modality_hear_each_other_where_rows_have_several(frame, make_classifier):
    one = make_classifier(epochs=1).fit(frame, frame["label"])
    assert isinstance(one.model_.fusion, GraphFusion)
    assert ("image", "others", "image") not in one.model_.fusion.relations
    frame["image"] = [[path, path] for path in frame["image"]]
    two = make_classifier(epochs=1).fit(frame, frame["label"])
    assert ("image", "others", "image") in two.model_.fusion.relations
    assert ("text", "others", "text") not in two.model_.fusion.relations


def test_models_know_again_that_rows_had_several_items(frame, make_classifier, tmp_path):
    frame["image"] = [[path, path] for path in frame["image"]]
    clf = make_classifier(epochs=1).fit(frame, frame["label"])
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_allclose(
        again.predict_proba(frame), clf.predict_proba(frame), atol=rounding(SMALL)
    )


def test_absent_nodes(frame, make_classifier, tmp_path):
    frame.loc[:8, "text"] = None
    clf = make_classifier([IMAGE, TEXT], absent_nodes=True).fit(frame, frame["label"])
    items = next(read_batches(clf.modalities_, frame, 64)).items
    nodes = clf.model_.nodes(items)["text"]
    assert nodes.mask.any(1).all()
    assert nodes.mask[:8].sum(1).tolist() == [1] * 8
    encoder = clf.model_.encoders["text"]
    assert isinstance(encoder, AbsentNode)
    torch.testing.assert_close(nodes.x[0, 0], encoder.x.detach())
    assert torch.equal(
        nodes.x[10],
        encoder.encoder(items["text"]).x[10],
    )
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model")
    np.testing.assert_allclose(
        again.predict_proba(frame), clf.predict_proba(frame), atol=rounding(SMALL)
    )
    nobody = frame.assign(text=None)
    assert np.isfinite(clf.predict_proba(nobody)).all()


def test_modality_dropout_is_for_training_only(frame, make_classifier):
    clf = make_classifier(modality_dropout=0.5).fit(frame, frame["label"])
    np.testing.assert_array_equal(clf.predict_proba(frame), clf.predict_proba(frame))


def test_an_offset_of_the_targets_changes_nothing(frame, make_regressor, tmp_path):
    size = frame["text"].str.len().to_numpy(float)
    plain = make_regressor().fit(frame, size).predict(frame)
    shifted = make_regressor().fit(frame, size + 1.7e9)
    predicted = shifted.predict(frame)
    assert predicted.dtype == np.float64
    np.testing.assert_allclose(predicted - 1.7e9, plain, atol=1e-3 * size.std())
    shifted.save(tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").predict(frame), predicted)


def test_weights_of_classes(frame, make_classifier, tmp_path):
    def shares(class_weight):
        clf = make_classifier([TEXT], epochs=1).set_params(class_weight=class_weight)
        return clf.fit(frame, label), clf.predict_proba(frame).mean(0)

    label = frame["label"].sample(frac=1, random_state=0).to_numpy()  # nothing tells it
    (_, plain), (clf, heavy) = shares(None), shares({"green": 50})
    assert heavy[1] > plain[1] + 0.03
    clf.save(tmp_path / "model")
    assert load(tmp_path / "model").class_weight == {"green": 50}
    with pytest.raises(DataError, match=r"class_weight: expected \"balanced\""):
        shares("balance")
