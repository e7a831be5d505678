"""Every fusion through the estimators, given as its class."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from tolerance import SMALL, rounding

from mmgraph import Complete, Features, MultimodalGraphClassifier, load
from mmgraph.nn.fusion import BottleneckFusion, ConcatFusion, Fusion, GraphFusion, LateFusion

#: Those of mmgraph, for other tests have theirs.
OURS = [kind for kind in Fusion.__subclasses__() if kind.__module__.startswith("mmgraph.")]
CLASSES = sorted(OURS, key=lambda kind: kind.__name__)


@pytest.fixture(scope="module")
def frame():
    """Two vectors that tell the label, with some of each missing."""
    random = np.random.default_rng(0)
    label = np.tile(["cat", "dog"], 20)
    columns = random.normal(size=(2, 40, 4)) + 3 * (label == "cat")[:, None]
    frame = pd.DataFrame({"image": list(columns[0]), "text": list(columns[1])})
    frame.loc[[3, 8], "image"] = None
    frame.loc[[5, 12], "text"] = None
    return frame.assign(label=label)


def make_classifier(fusion):
    return MultimodalGraphClassifier(
        [Features("image"), Features("text")],
        fusion=fusion,
        channels=16,
        linear=False,
        epochs=8,
        batch_size=10,
        learning_rate=3e-2,
        validation=0.0,
        verbose=False,
    )


@pytest.mark.parametrize("fusion", CLASSES, ids=lambda kind: kind.__name__)
def test_a_class_is_a_fusion_factory(fusion, frame, tmp_path):
    clf = clone(make_classifier(fusion)).fit(frame, frame["label"])
    assert type(clf.model_.fusion) is fusion
    assert clf.model_.head.in_features == clf.model_.fusion.out_channels
    assert clf.score(frame, frame["label"]) > 0.8
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model").predict_proba(frame)
    np.testing.assert_allclose(again, clf.predict_proba(frame), atol=rounding(SMALL))


def test_options_are_given_with_partial(frame, tmp_path):
    fusion = partial(LateFusion, weighting="learned")
    clf = clone(make_classifier(fusion)).fit(frame, frame["label"])
    assert clf.model_.fusion.weight.abs().max() > 0
    clf.save(tmp_path / "model")
    again = load(tmp_path / "model", fusion=fusion).predict_proba(frame)
    np.testing.assert_allclose(again, clf.predict_proba(frame), atol=rounding(SMALL))


def fit(frame, fusion, **options):
    clf = make_classifier(fusion).set_params(epochs=1, **options).fit(frame, frame["label"])
    return clf.model_.fusion


def test_the_graphs_options_are_passed_on(frame):
    concat = fit(frame, ConcatFusion, readout="max", dropout=0.5)
    assert {each.kind for each in concat.readouts.values()} == {"max"}
    assert concat.mlp[-1].p == 0.5
    assert len(fit(frame, BottleneckFusion, num_layers=3).layers) == 3
    relations = {("image", "to", "text"): Complete()}
    graph = fit(frame, GraphFusion, relations=relations, execution="sparse", num_layers=1)
    assert graph.relations == relations
    assert (graph.gnn.execution, len(graph.gnn.layers)) == ("sparse", 1)
    # What is at its default does not override what a partial says.
    late = fit(frame, partial(LateFusion, readout="mean"), dropout=0.4)
    assert late.readouts["image"].kind == "mean"
    assert late.mlps["image"][-1].p == 0.4


@pytest.mark.parametrize(
    "options", [{"num_layers": 3}, {"execution": "sparse"}, {"relations": {}}, {"conv": max}]
)
def test_options_a_fusion_does_not_take_are_refused(frame, options):
    message = f"fusion=ConcatFusion does not take {next(iter(options))}="
    with pytest.raises(ValueError, match=message):
        fit(frame, ConcatFusion, **options)
