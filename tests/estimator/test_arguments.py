"""The estimators' arguments: written once, documented, nested, and never dropped in silence."""

import dataclasses
import inspect
import re

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from mmgraph import (
    Image,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    Text,
    Training,
    load,
)
from mmgraph.estimator.arguments import SHORTCUTS
from mmgraph.nn.fusion import ConcatFusion, GraphFusion, LateFusion
from mmgraph.training.settings import OPTIMIZERS, find_optimizer

ESTIMATORS = (MultimodalGraphClassifier, MultimodalGraphRegressor)
TEXT = Text("text", features=None)


def arguments_of(kind):
    return [each for each in dataclasses.fields(kind) if each.init]


def paragraphs(doc):
    """The text of each argument in a docstring."""
    section = re.search(r"Args:\n(.*?)\n\n", doc, re.DOTALL)[1]
    begun = re.split(r"^ {8}(\w+): ", section, flags=re.MULTILINE)[1:]
    return dict(zip(begun[::2], (" ".join(each.split()) for each in begun[1::2]), strict=True))


@pytest.mark.parametrize("kind", [*ESTIMATORS, Training])
def test_every_argument_is_documented_with_its_default(kind):
    described = paragraphs(inspect.getdoc(kind).replace("\n    ", "\n        "))
    assert sorted(described) == sorted(each.name for each in arguments_of(kind))
    for each in arguments_of(kind):
        shown = re.search(r"Default: (.*)\.$", described[each.name])
        assert shown, each.name
        value = shown[1].replace('"', "'")
        assert value == repr(each.default), each.name


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_help_lists_every_argument(kind):
    signature = inspect.signature(kind)
    assert list(signature.parameters) == [each.name for each in arguments_of(kind)]
    kinds = {name: each.kind.name for name, each in signature.parameters.items()}
    assert kinds.pop("modalities") == "POSITIONAL_OR_KEYWORD"
    assert set(kinds.values()) == {"KEYWORD_ONLY"}


def test_arguments_stand_in_one_place():
    ours = [
        set(vars(kind).get("__annotations__", ())) for kind in MultimodalGraphClassifier.__mro__
    ]
    assert sum(map(len, ours)) == len(set.union(*ours))


def test_shortcuts_stand_for_arguments_that_are_there():
    assert set(SHORTCUTS["training"]) < {each.name for each in dataclasses.fields(Training)}
    assert set(SHORTCUTS["fusion"]) < set(inspect.signature(GraphFusion).parameters)
    for names in SHORTCUTS.values():
        assert all(getattr(MultimodalGraphClassifier(), name) is None for name in names)


def test_defaults_are_those_of_training_and_fusion():
    clf = MultimodalGraphClassifier()
    assert clf.chosen_training == Training()
    assert clf.chosen_fusion == GraphFusion.options()
    params = clf.get_params()
    assert params["training__epochs"] == 15
    assert params["fusion__num_layers"] == 2
    assert params["epochs"] is None


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ({"epochs": 3}, Training(epochs=3)),
        ({"training": Training(patience=2), "epochs": 3}, Training(epochs=3, patience=2)),
        ({"training": Training(epochs=3), "epochs": 3}, Training(epochs=3)),
        ({"fusion": "concat", "dropout": 0.2}, ConcatFusion.options(dropout=0.2)),
        ({"fusion": LateFusion, "readout": "max"}, LateFusion.options(readout="max")),
        ({"fusion": GraphFusion.options(conv="gat"), "num_layers": 2}, None),
    ],
)
def test_what_is_given_beside_a_group_belongs_to_it(options, chosen):
    clf = clone(MultimodalGraphClassifier([TEXT], **options))
    chosen = chosen or GraphFusion.options(conv="gat", num_layers=2)
    assert chosen == (clf.chosen_training if isinstance(chosen, Training) else clf.chosen_fusion)


def narrow(modalities, channels):
    return ConcatFusion(modalities, channels)


@pytest.mark.parametrize("dropout", [0.2, 0.3])
def test_no_argument_is_dropped_in_silence(frame, dropout):
    clf = MultimodalGraphClassifier([TEXT], fusion=narrow, dropout=dropout)
    with pytest.raises(ValueError, match="fusion=narrow does not take dropout="):
        clf.fit(frame, frame["label"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"training": Training(epochs=5), "epochs": 3}, "epochs=3, but training has epochs=5"),
        ({"fusion": LateFusion.options(dropout=0.1), "dropout": 0.2}, "fusion has dropout=0.1"),
        ({"fusion": "concat", "num_layers": 2}, "ConcatFusion does not take num_layers="),
        ({"epochs": 0}, "expected epochs of at least 1, got 0"),
        ({"learning_rate": -1.0}, "expected learning_rate of at least 0, got -1.0"),
        ({"modality_dropout": 1.0}, "modality_dropout from 0 to below 1, got 1.0"),
    ],
)
def test_contradictions_are_refused_before_any_row_is_read(options, message):
    clf = MultimodalGraphClassifier([TEXT], **options)
    with pytest.raises(ValueError, match=message):
        clf.fit("no such file.csv", "label")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fusion", "concatt", "did you mean 'concat'"),
        ("conv", "gaat", "did you mean 'gat'"),
        ("readout", "mena", "did you mean 'mean'"),
        ("training", {"epochs": 3}, r"training: expected Training\(epochs="),
    ],
)
def test_unknown_names_are_refused_before_any_row_is_read(name, value, message):
    clf = MultimodalGraphClassifier([TEXT]).set_params(**{name: value})
    with pytest.raises(ValueError, match=message):
        clf.fit("no such file.csv", "label")


@pytest.mark.parametrize(
    ("modalities", "message"),
    [
        (TEXT, r"expected a list of them, write \[Text\("),
        ("text", r"expected a list, such as \[Text\('text'\)\], got 'text'"),
        (["text"], r"write Text\('text'\)"),
        ([Text], r"Text lacks its column; write Text\('column'\)"),
        ([3], "expected modalities such as"),
    ],
)
def test_what_is_no_list_of_modalities(modalities, message):
    clf = MultimodalGraphClassifier().set_params(modalities=modalities)
    with pytest.raises(ValueError, match=f"modalities: .*{message}|modalities: {message}"):
        clf.fit("no such file.csv", "label")


def test_nested_parameters():
    given = [Image("image"), TEXT]
    clf = MultimodalGraphClassifier(given, epochs=3, num_layers=3, dropout=0.4)
    copy = clone(clf).set_params(
        **{"image__size": 64, "modalities__1__vocabulary_size": 99},
        **{"training__epochs": 5, "training__patience": 2, "fusion__num_layers": 1},
    )
    params = copy.get_params()
    assert (params["image__size"], params["text__vocabulary_size"]) == (64, 99)
    assert copy.chosen_training == Training(epochs=5, patience=2)
    assert copy.chosen_fusion == GraphFusion.options(num_layers=1, dropout=0.4)
    # what was copied is as before
    assert clf.modalities is given
    assert repr(given) == repr([Image("image"), TEXT])
    assert (clf.chosen_training.epochs, clf.chosen_fusion.options["num_layers"]) == (3, 3)


def test_all_nested_parameters_can_be_set_to_what_they_are():
    clf = MultimodalGraphClassifier([Image("image"), TEXT], fusion="late", epochs=3)
    params = {name: value for name, value in clf.get_params().items() if "__" in name}
    assert {"image__size", "text__columns", "training__optimizer", "fusion__weighting"} <= set(
        params
    )
    assert clone(clf).set_params(**params).get_params(deep=True).items() >= params.items()


def test_the_last_word_counts():
    clf = MultimodalGraphClassifier(training=Training(epochs=5), fusion="late")
    assert clf.set_params(epochs=3).chosen_training.epochs == 3
    assert clf.set_params(training__epochs=4).chosen_training.epochs == 4
    assert clf.set_params(fusion__readout="max").chosen_fusion.options == {"readout": "max"}
    assert clf.set_params(readout="sum").chosen_fusion.options == {"readout": "sum"}
    assert clf.set_params(readout=None, fusion="concat").chosen_fusion == ConcatFusion.options()
    with pytest.raises(ValueError, match="epochs=1, but training has epochs=2"):
        clf.set_params(epochs=1, training__epochs=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("epohcs", "no parameter 'epohcs'; did you mean 'epochs'"),
        ("training__epoch", "Training: there is no argument 'epoch'; did you mean 'epochs'"),
        ("fusion__layers", "GraphFusion does not take layers="),
        ("text__max_token", "Text: there is no argument 'max_token'; did you mean 'max_tokens'"),
        ("image__size", "no parameter 'image__size'"),
        ("modalities__7__size", "no parameter 'modalities__7__size'"),
    ],
)
def test_unknown_parameters(name, message):
    clf = MultimodalGraphClassifier([TEXT])
    before = repr(clf)
    with pytest.raises(ValueError, match=message):
        clf.set_params(channels=8, **{name: 1})
    assert repr(clf) == before


def test_parameters_of_modalities_that_are_to_be_inferred():
    with pytest.raises(ValueError, match="the modalities are not named"):
        MultimodalGraphClassifier().set_params(image__size=64)


def test_copies_share_nothing_that_changes():
    clf = MultimodalGraphClassifier([TEXT], fusion=GraphFusion.options(relations={}))
    copy = clone(clf)
    copy.chosen_fusion.options["relations"]["a"] = 1
    copy.modalities[0].max_tokens = 7
    assert clf.chosen_fusion.options["relations"] == {}
    assert clf.modalities[0].max_tokens == TEXT.max_tokens
    assert MultimodalGraphClassifier().training is MultimodalGraphClassifier().training
    with pytest.raises(dataclasses.FrozenInstanceError):
        clf.training.epochs = 3


def test_constructors_only_store():
    given = {name: object() for name in ("modalities", "fusion", "training", "epochs", "conv")}
    clf = MultimodalGraphClassifier()
    for name, value in given.items():
        setattr(clf, name, value)
        assert getattr(clf, name) is value
    kept = MultimodalGraphClassifier([TEXT], relations=(relations := {}))
    assert kept.relations is relations
    assert not [name for name in vars(kept) if name.endswith("_")]


def test_a_search_over_nested_parameters(frame):
    clf = MultimodalGraphClassifier([TEXT], channels=8, epochs=1, refit=False, verbose=False)
    grid = {
        "training__epochs": [1, 2],
        "fusion__num_layers": [1],
        "text__max_tokens": [8],
        "readout": ["mean"],
    }
    search = GridSearchCV(clf, grid, cv=2).fit(frame, frame["label"])
    best = search.best_estimator_
    assert len(best.history_) == search.best_params_["training__epochs"]
    assert best.modalities_[0].max_tokens == 8
    assert best.model_.fusion.readouts["text"].kind == "mean"
    pipeline = make_pipeline("passthrough", clf)
    name = "multimodalgraphclassifier__training__epochs"
    assert pipeline.set_params(**{name: 4})[-1].chosen_training.epochs == 4


@pytest.mark.parametrize("optimizer", [*OPTIMIZERS, torch.optim.Adagrad])
def test_every_optimizer_trains_and_is_saved(frame, optimizer, tmp_path):
    training = Training(epochs=1, optimizer=optimizer, batch_size=8)
    clf = MultimodalGraphClassifier([TEXT], channels=8, training=training, verbose=False)
    clf.fit(frame, frame["label"]).save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.training == training
    np.testing.assert_array_equal(loaded.predict(frame), clf.predict(frame))


def test_what_belongs_to_training_reaches_it(frame, monkeypatch):
    from mmgraph.training.module import TrainingModule

    seen = []
    begin = TrainingModule.configure_optimizers

    def configure(self):
        (optimizer,), schedules = begin(self)
        seen.append((optimizer, self.trainer.gradient_clip_val, self.settings))
        return [optimizer], schedules

    monkeypatch.setattr(TrainingModule, "configure_optimizers", configure)
    training = Training(
        **{"epochs": 2, "weight_decay": 0.3, "gradient_clip": 0.7, "optimizer": "sgd"},
        **{"label_smoothing": 0.0, "averaging": 0.0},
    )
    clf = MultimodalGraphClassifier([TEXT], channels=8, training=training, refit=False)
    clf.set_params(verbose=False).fit(frame, frame["label"])
    ((optimizer, clip, settings),) = seen
    assert isinstance(optimizer, torch.optim.SGD)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.3, 0.0]
    assert clip == 0.7
    assert settings == training


def test_unknown_optimizers():
    with pytest.raises(ValueError, match="no optimizer 'adamm'; did you mean 'adam"):
        find_optimizer("adamm")
    with pytest.raises(ValueError, match="optimizer: expected one of adamw"):
        find_optimizer(3)


@pytest.mark.parametrize("given", [{"linear": "no"}, {"graph": "always"}, {"refit": None}])
def test_switches_are_on_or_off(frame, given):
    (name,) = given
    with pytest.raises(ValueError, match=rf"{name}: expected|expected {name} to be"):
        MultimodalGraphClassifier().set_params(**given).fit(frame, frame["label"])


def test_switches_of_numpy_are_switches(frame):
    classifier = MultimodalGraphClassifier([Text("text", features=None)], verbose=False)
    classifier.set_params(graph=np.False_, refit=np.True_)
    assert classifier.fit(frame, frame["label"]).history_ == []


@pytest.mark.parametrize("channels", [0, 6, -4])
def test_channels_are_named(frame, channels):
    classifier = MultimodalGraphClassifier([Text("text", features=None)], channels=channels)
    with pytest.raises(ValueError, match="channels: expected a multiple of 4"):
        classifier.fit(frame, frame["label"])


def test_nothing_to_fit_is_said_before_rows_are_read(frame):
    classifier = MultimodalGraphClassifier(graph=False, linear=False)
    with pytest.raises(ValueError, match="graph=False with linear=False"):
        classifier.fit(frame.assign(image="nowhere.png"), frame["label"])
