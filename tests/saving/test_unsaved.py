"""What `save` leaves out is said before `fit`, and `load` takes it."""

import copy
import json
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
import pytest
from torch_geometric.nn import SAGEConv

from mmgraph import DataError, MultimodalGraphClassifier, load
from mmgraph.modalities import Features
from mmgraph.nn import ConcatFusion, LateFusion, Readout
from mmgraph.relations import Chain, Complete, Custom, Grid, Relation, WithPosition
from mmgraph.saving.relations import read_relations, why_not_saved, write_relations
from mmgraph.saving.unsaved import warn_of_code, warn_of_state
from mmgraph.system import plugins

BOTH = {("one", "to", "two"), ("two", "to", "one")}


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch):
    monkeypatch.setattr(plugins, "_added", {})


@dataclass(frozen=True)
class Far(Relation):
    """A relation as a user would write it."""

    steps: tuple[int, ...]
    inner: Relation = field(default_factory=Chain)

    def joins(self, source, target):
        return self.inner.joins(source, target)


class Own(Features):
    """A modality as a user would write it."""


class OwnConv(SAGEConv):
    pass


class OwnFusion(ConcatFusion):
    pass


class OwnReadout(Readout):
    pass


OWN_READOUT = "fusion=ConcatFusion.options(readout=OwnReadout)"


def warn_of(modalities=(), **arguments):
    """Warn of an estimator's arguments, as `fit` does at its start."""
    warn_of_code(MultimodalGraphClassifier(**arguments).chosen_fusion, modalities)


def by_index(source, target):
    return source.index.unsqueeze(1) > target.index.unsqueeze(2)


class Holder(Far):
    def __init__(self, function):
        object.__setattr__(self, "function", function)


def saved(relations, given=()):
    return read_relations(json.loads(json.dumps(write_relations(relations))), given)


def test_relations_are_read_as_they_were():
    own = {("a", "to", "b"): WithPosition(Grid(3, 3)), ("b", "next", "b"): Chain(2, "forward")}
    assert saved(own) == own
    far = {("a", "to", "b"): Far((2, 3), WithPosition(Complete(), distance=4))}
    assert saved(far, [Far]) == far
    with pytest.raises(DataError, match=r"relation Far.*pass its class, load\(path, relations="):
        saved(far)
    plugins.add_plugin(Far)
    assert saved(far) == far
    # As models hold it that were saved before.
    before = [[["a", "to", "b"], "WithPosition", {"relation": ["Chain", {"window": 2}]}]]
    assert read_relations(before) == {("a", "to", "b"): WithPosition(Chain(2))}


def test_relations_with_functions_are_given_again():
    relations = dict.fromkeys(BOTH, Custom(by_index))
    assert why_not_saved(WithPosition(Custom(by_index), distance=2)) == "Custom holds a function"
    with pytest.raises(DataError, match=r"relation Custom that holds code .*relations=\{...\}"):
        saved(relations)
    assert saved(relations, relations) == relations
    with pytest.raises(DataError, match=r"expected those of .*one.*two.*, got "):
        saved(relations, {("one", "to", "two"): Chain()})


@pytest.mark.parametrize("kind", ["os", "Relation2", "dataclasses", "base"])
def test_nothing_else_is_made(kind):
    with pytest.raises(DataError, match="is not one of mmgraph's"):
        read_relations([[["a", "to", "b"], kind, {}]])


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ({"conv": OwnConv}, "conv=OwnConv"),
        ({"conv": lambda i, o: SAGEConv(i, o)}, "conv=..."),
        ({"fusion": OwnFusion}, "fusion=OwnFusion"),
        ({"fusion": partial(LateFusion, weighting="learned")}, "fusion=..."),
        ({"fusion": ConcatFusion, "readout": OwnReadout}, OWN_READOUT),
        ({"relations": {("a", "to", "b"): Custom(by_index)}}, "relations={...}"),
        ({"relations": {("a", "to", "b"): Far((2,))}}, "relations=[Far]"),
        ({"modalities": [Own("x"), Features("y")]}, "modalities=[Own]"),
        ({"conv": OwnConv, "modalities": [Own("x")]}, "conv=OwnConv, modalities=[Own]"),
    ],
)
def test_code_is_named_with_the_call_that_loads_it(arguments, call):
    with pytest.warns(UserWarning, match="code is not saved") as caught:
        warn_of(**arguments)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert f"call load(path, {call})" in message
    assert all(name in message for name in arguments.keys() - {"readout"})


@pytest.mark.filterwarnings("error")
def test_nothing_is_said_of_what_load_finds():
    for kind in (Own, OwnConv, OwnFusion, Far):
        plugins.add_plugin(kind)
    warn_of(
        conv=OwnConv,
        relations={("a", "to", "b"): Far((2,)), ("b", "to", "a"): Chain()},
        modalities=[Own("x"), Features("y")],
    )
    warn_of(fusion=OwnFusion)
    warn_of(conv=SAGEConv, relations={}, modalities=[Features("y")])
    warn_of(conv="sage")
    warn_of(fusion="concat", readout="mean")


@dataclass(eq=False)
class Forgetful(Features):
    chosen: object = None
    more_: float = field(init=False, default=0.0, repr=False)

    def fit(self, cells, *, seed=0):
        fitted = copy.copy(Features.fit(self, cells, seed=seed))
        fitted.more_ = 1.0
        return fitted


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"save": Features.__mro__[1].save}, "`fit` sets .*more_.*, and `save` writes nothing"),
        ({"save": lambda self, folder: {"more": object()}}, "`save` fails: TypeError"),
        ({"chosen": object()}, "a choice cannot be written as JSON"),
    ],
)
def test_state_that_cannot_be_written(broken, message, monkeypatch):
    fitted = Forgetful("x").fit([[np.ones(3)], [np.zeros(3)]])
    warn_of_state([fitted, Features("y")])
    for name, value in broken.items():
        monkeypatch.setattr(fitted if name == "chosen" else Forgetful, name, value)
    with pytest.warns(UserWarning, match=f"cannot be saved as it is: Forgetful: .*{message}"):
        warn_of_state([fitted])


@pytest.fixture
def table():
    random = np.random.default_rng(0)
    label = np.tile(["cat", "dog"], 8)
    columns = random.normal(size=(2, 16, 4)) + 3 * (label == "cat")[:, None]
    frame = pd.DataFrame({"one": list(columns[0]), "two": list(columns[1])})
    return frame.assign(label=label)


def test_fit_says_so_and_load_takes_it(table, tmp_path):
    relations = dict.fromkeys(sorted(BOTH), Custom(by_index))
    classifier = MultimodalGraphClassifier(
        [Own("one"), Features("two")],
        conv=OwnConv,
        relations=relations,
        channels=8,
        epochs=1,
        verbose=False,
    )
    with pytest.warns(UserWarning, match="conv, relations, modalities: code is not saved") as said:
        classifier.fit(table, "label")
    assert len(said) == 1
    classifier.save(tmp_path / "model")
    again = load(tmp_path / "model", conv=OwnConv, relations=relations, modalities=[Own])
    np.testing.assert_allclose(again.predict_proba(table), classifier.predict_proba(table))
    with pytest.raises(DataError, match=r"model: was made with a relation Custom that holds code"):
        load(tmp_path / "model", conv=OwnConv, modalities=[Own])
    plugins.add_plugin(OwnConv)
    plugins.add_plugin(Own)
    again = load(tmp_path / "model", relations=relations)
    np.testing.assert_allclose(again.predict_proba(table), classifier.predict_proba(table))


def take(base, name):
    """A class of one's own with the name of another."""
    return type(name, (base,), {"__module__": __name__})


@pytest.mark.parametrize(
    ("argument", "arguments"),
    [
        ("modalities", {"modalities": [take(Features, "Features")("x")]}),
        ("conv", {"conv": take(SAGEConv, "SAGEConv")}),
        ("fusion", {"fusion": take(ConcatFusion, "ConcatFusion")}),
        ("readout", {"fusion": "concat", "readout": take(Readout, "mean")}),
    ],
)
def test_names_that_others_have_are_refused_before_fit(argument, arguments):
    frame = pd.DataFrame({"x": [np.zeros(2)] * 4})
    estimator = MultimodalGraphClassifier(**{"modalities": [Features("x")], **arguments})
    with pytest.raises(DataError, match=f"{argument}: .* has the name of another one"):
        estimator.fit(frame, list("abab"))


def fit_small(kind=MultimodalGraphClassifier, **arguments):
    frame = pd.DataFrame({"x": [np.full(2, float(row)) for row in range(8)]})
    estimator = kind(modalities=[Features("x")], graph=False, verbose=False, **arguments)
    return estimator.fit(frame, list("abababab")), frame


def test_what_is_saved_is_what_was_fitted_whatever_is_set_since(tmp_path):
    estimator, frame = fit_small(channels=8)
    before = estimator.predict_proba(frame)
    estimator.set_params(channels=16, graph=True, fusion="concat")
    estimator.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.channels == 8
    assert not loaded.graph
    np.testing.assert_allclose(loaded.predict_proba(frame), before, atol=1e-6)
    with pytest.raises(ValueError, match="trained no fused vectors"):
        estimator.transform(frame)


def test_subclasses_of_estimators_are_saved_as_what_they_are(tmp_path, caplog):
    class Mine(MultimodalGraphClassifier):
        pass

    estimator, frame = fit_small(Mine)
    estimator.save(tmp_path / "model")
    assert "Mine is saved as the MultimodalGraphClassifier that it is" in caplog.text
    loaded = load(tmp_path / "model")
    assert type(loaded) is MultimodalGraphClassifier
    np.testing.assert_allclose(loaded.predict_proba(frame), estimator.predict_proba(frame))
