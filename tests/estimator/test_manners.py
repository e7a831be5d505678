"""What scikit-learn's users expect of an estimator besides fit and predict."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import AdaBoostClassifier
from sklearn.model_selection import cross_val_predict
from sklearn.preprocessing import QuantileTransformer
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from mmgraph import MultimodalGraphClassifier, MultimodalGraphRegressor, Text, load

FRAME = pd.DataFrame({"text": ["red rose", "green leaf"] * 8}, index=range(100, 116))
LABELS = ["r", "g"] * 8


@pytest.fixture(scope="module")
def make():
    def make(kind=MultimodalGraphClassifier, **options):
        quick = {"channels": 8, "epochs": 1, "refit": False, "verbose": False}
        return kind([Text("text", features=None)], **{**quick, **options})

    return make


@pytest.fixture(scope="module")
def fitted(make):
    return make().fit(FRAME, LABELS)


def test_logarithms_of_probabilities(fitted, make):
    log = fitted.predict_log_proba(FRAME)
    np.testing.assert_allclose(np.exp(log), fitted.predict_proba(FRAME), rtol=1e-6)
    crossed = cross_val_predict(make(), FRAME, LABELS, cv=2, method="predict_log_proba")
    assert crossed.shape == (16, 2)
    assert (crossed < 0).all()


def test_as_a_transformer(fitted, make):
    names = [f"multimodalgraphclassifier{number}" for number in range(8)]
    assert fitted.get_feature_names_out().tolist() == names
    columns = ColumnTransformer([("mm", make(), ["text"])]).set_output(transform="pandas")
    out = columns.fit_transform(FRAME, LABELS)
    assert out.columns.tolist() == [f"mm__{name}" for name in names]
    assert out.index.tolist() == FRAME.index.tolist()
    np.testing.assert_array_equal(out, columns.named_transformers_["mm"].transform(FRAME))
    np.testing.assert_array_equal(
        make().fit_transform(FRAME, LABELS), make().fit(FRAME, LABELS).transform(FRAME)
    )


def test_tags(make):
    tags = get_tags(make())
    inputs = tags.input_tags
    assert (inputs.string, inputs.categorical, inputs.allow_nan, inputs.sparse) == (1, 1, 1, 0)
    assert tags.target_tags.required
    assert tags.estimator_type == "classifier"
    assert tags.classifier_tags.multi_label
    tags = get_tags(make(MultimodalGraphRegressor))
    assert tags.estimator_type == "regressor"
    assert tags.target_tags.multi_output
    assert not hasattr(make(MultimodalGraphRegressor), "predict_log_proba")


def test_weights_of_rows_are_refused_in_words(make):
    with pytest.raises(TypeError, match=r"'sample_weight': rows cannot be weighed: repeat"):
        make().fit(FRAME, LABELS, sample_weight=[1.0] * 16)
    # scikit-learn looks at the names of the arguments, and says so itself.
    assert not has_fit_parameter(make(), "sample_weight")
    with pytest.raises(ValueError, match="doesn't support sample_weight"):
        AdaBoostClassifier(make()).fit(np.zeros((16, 1)), LABELS)


def test_going_on_is_refused_in_words(make, fitted):
    assert not hasattr(fitted, "partial_fit")
    with pytest.raises(ValueError, match="there is no parameter 'warm_start'"):
        make().set_params(warm_start=True)


def test_outliers_by_a_transformed_target(make):
    numbers = np.r_[np.tile([1.0, 2.0], 7), 1.0, 1e6]
    ranks = QuantileTransformer(n_quantiles=16)
    robust = TransformedTargetRegressor(
        make(MultimodalGraphRegressor, graph=False), transformer=ranks
    )
    found = robust.fit(FRAME, numbers).predict(FRAME)
    assert np.median(np.abs(found - numbers)) < 1
    plain = make(MultimodalGraphRegressor, graph=False).fit(FRAME, numbers).predict(FRAME)
    assert np.median(np.abs(plain - numbers)) > 100


@pytest.mark.parametrize("parts", [{"graph": False}, {"linear": False}, {"graph": True}])
def test_outliers_by_hubers_loss(make, tmp_path, parts):
    numbers = np.r_[np.tile([1.0, 2.0], 7), 1.0, 1e6]
    robust = make(MultimodalGraphRegressor, loss="huber", **parts).fit(FRAME, numbers)
    found = robust.predict(FRAME)
    assert np.median(np.abs(found - numbers)) < 1
    with pytest.warns(UserWarning, match="no input in any modality"):
        assert robust.predict(pd.DataFrame({"text": [None]})) == 1  # the median
    robust.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.loss == "huber"
    np.testing.assert_array_equal(loaded.predict(FRAME), found)
    with pytest.raises(ValueError, match="loss to be one of 'squared', 'huber', got 'hubert'"):
        robust.set_params(loss="hubert").fit(FRAME, numbers)


@pytest.mark.parametrize("kind", [MultimodalGraphClassifier, MultimodalGraphRegressor])
def test_without_targets(make, kind):
    with pytest.raises(ValueError, match=r"requires y to be passed.*fit\(frame, 'label'\)"):
        make(kind).fit(FRAME)
    with pytest.raises(ValueError, match="requires y to be passed"):
        make(kind).fit(FRAME, None)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"channels": 8.0}, "expected channels to be a whole number, got 8.0"),
        ({"validation": "a tenth"}, "expected validation to be a number"),
        ({"refit": "no"}, "expected refit to be True or False"),
        ({"random_state": None}, "expected random_state to be a whole number"),
        ({"random_state": -1}, "expected random_state from 0 to"),
        ({"log_dir": 3}, "expected log_dir to be a text or a path or None"),
    ],
)
def test_arguments_of_another_type(make, option, message):
    with pytest.raises(ValueError, match=message):
        make().set_params(**option).fit(FRAME, LABELS)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"device": "nonsense"}, "no device 'nonsense'; there are: auto, cpu, cuda, gpu"),
        ({"device": "cuda:0"}, "no device 'cuda:0'; did you mean 'cuda'"),
        ({"device": "tpu"}, "device='tpu': there is none here .* one of .*cpu"),
        ({"conv": lambda a, b: None}, "conv: expected a function .* got one that makes None"),
    ],
)
def test_arguments_are_refused_before_rows_are_read(make, option, message):
    with pytest.raises(ValueError, match=message):
        make(**option).fit("there is no such table.csv", "label")


def test_what_is_said_of_a_fusion_that_is_not_trained(make):
    with pytest.warns(UserWarning, match="graph=False: .* so that fusion= and dropout= play"):
        make(graph=False, fusion="late", dropout=0.1).fit(FRAME, LABELS)
    with pytest.warns(UserWarning, match="so that conv= play"):
        make(graph=False, conv="gat").fit(FRAME, LABELS)
    make(graph=False, fusion="graph").fit(FRAME, LABELS)
