"""A task of one's own is one class: here grades in an order, by cumulative logits."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from mmgraph import Features, Tabular, compare_explainers, diagnose
from mmgraph.cli.predictions import prediction_columns
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.folds import Partition
from mmgraph.data.transform import fit_modality, transform
from mmgraph.explain import measure_faithfulness, to_html
from mmgraph.explain.run import explain_rows
from mmgraph.fitted import FittedModel
from mmgraph.nn.build import NetworkOptions, build_model
from mmgraph.nn.outputs import Outputs
from mmgraph.nn.task import Task
from mmgraph.saving.card import write_card
from mmgraph.saving.facts import collect_facts
from mmgraph.training import Training
from mmgraph.training.procedure import Fitting
from mmgraph.training.settings import Surroundings

GRADES = np.array(["bad", "fair", "good", "fine"])


class Ordinal(Task):
    """Grades: logit k says that the grade is above k (Frank and Hall, 2001)."""

    kind, metric = "ordinal", "accuracy"

    def __init__(self, grades):
        super().__init__(grades - 1)

    def _above(self, target):
        return (target.unsqueeze(1) > torch.arange(self.outputs)).float()

    def fit(self, target):
        self.prior = ((self._above(target).sum(0) + 1) / (len(target) + 2)).logit()

    def loss(self, logits, target, *, reduction="mean", weighted=True, label_smoothing=0.0):
        above = self._above(target)
        each = F.binary_cross_entropy_with_logits(logits, above, reduction="none").sum(1)
        return each.sum() if reduction == "sum" else each.mean()

    def score(self, logits, target):
        return ((logits > 0).sum(1) == target).float().mean()

    def activate(self, logits):
        return logits.sigmoid()

    def decide(self, outputs):
        return (outputs > 0.5).sum(1)

    def summarise(self, target):
        return {"count": target.bincount(minlength=self.outputs + 1).tolist()}

    def describe(self):
        return f"one of {self.outputs + 1} grades"

    def output_names(self, classes):
        return [f"above {grade}" for grade in classes[:-1]]

    def explained_output(self, outputs):
        return int((outputs - 0.5).abs().argmin())  # the step that is least sure

    def changed(self, logits, whole, target):
        return (logits[..., target] > 0) != (whole[target] > 0)


@pytest.fixture(scope="module")
def frame():
    """Return 60 rows whose grade is the sum of two inputs, one of them missing in some rows."""
    random = np.random.default_rng(0)
    size, weight = random.normal(size=60), random.normal(size=60)
    grade = np.clip(np.round(size + weight + 1.5), 0, 3).astype(int)
    vectors = [np.array([value, -value]) for value in size]
    vectors[7] = None
    return pd.DataFrame({"vector": vectors, "weight": weight, "grade": GRADES[grade]})


@pytest.fixture(scope="module")
def fitted(frame):
    """Return a model of grades, fitted by the same procedure as all others."""
    chosen = (Features("vector"), Tabular("weight"))
    modalities = [fit_modality(each, frame, seed=0) for each in chosen]
    items = transform(modalities, frame)
    target = torch.tensor([GRADES.tolist().index(each) for each in frame["grade"]])
    fitting = Fitting(
        build=lambda: build_model(modalities, Ordinal(4), NetworkOptions(channels=8)),
        settings=Training(epochs=2, batch_size=16),
        surroundings=Surroundings(device="cpu", progress=False),
        refit=True,
        seed=0,
    )
    rows = np.arange(0, 60, 5)
    partition = Partition.of(target.numpy(), None, rows, seed=0)
    network, history, scores = fitting.fit(SampleDataset(modalities, items, target), partition)
    assert scores.keys() == {"loss", "accuracy"}
    assert "val_accuracy" in history[0]
    facts = collect_facts(
        network.task,
        {name: sum(map(bool, cells)) for name, cells in items.items()},
        target,
        held_out_rows=len(rows),
        held_out=scores,
        truth=frame["grade"],
        groups=None,
    )
    return FittedModel(modalities, network, Outputs(GRADES), ["vector", "weight"], facts)


def test_it_predicts(frame, fitted):
    outputs = fitted.predict(frame)
    assert outputs.shape == (60, 3)
    grades = fitted.decide(outputs)
    assert set(grades) <= set(GRADES)
    assert (grades == frame["grade"]).mean() > 0.6
    empty = fitted.network.task.prior.sigmoid()
    with pytest.warns(UserWarning, match="no input"):
        nothing = fitted.predict(frame[:1].assign(vector=None, weight=None))
    np.testing.assert_allclose(nothing[0], empty, rtol=1e-6)


def test_it_is_explained(frame, fitted, tmp_path):
    for method in ("integrated_gradients", "occlusion", "gnn_explainer"):
        explanation = explain_rows(fitted, frame[:1], method=method, faithfulness=True)[0]
        outputs = np.array(explanation.predicted)
        assert explanation.task == "ordinal"
        assert list(explanation.outputs) == ["above bad", "above fair", "above good"]
        assert explanation.target == np.abs(outputs - 0.5).argmin()
        assert {"deletion", "fidelity_plus"} <= explanation.faithfulness.keys()
        to_html(explanation, tmp_path / "page.html")
    chosen = explain_rows(fitted, frame[:2], target="above good")
    assert [each.target for each in chosen] == [2, 2]
    assert measure_faithfulness(fitted, frame[:2], chosen)[0].faithfulness
    compared = compare_explainers(fitted, frame[:2], methods=["gradient"])
    assert set(compared["metric"]) >= {"insertion", "fidelity_minus"}


def test_it_is_diagnosed(frame, fitted):
    found = diagnose(fitted, frame, "grade", emap_rows=8, permutations=1, draws=10)
    right = fitted.decide(fitted.predict(frame)) == frame["grade"]
    assert found.get("score").value == pytest.approx(right.mean())
    assert found.is_share


def test_it_is_described(frame, fitted):
    card = write_card(fitted, "OrdinalModel", {"refit": True, "training": Training()})
    assert "predicts one of 4 grades of `grade`" in card
    assert f"| bad | {(frame['grade'] == 'bad').sum()} |" in card
    table = prediction_columns(fitted, frame[:3], fitted.predict(frame[:3]), identity=None)
    assert list(table) == ["row", "prediction", *(f"probability_above {g}" for g in GRADES[:-1])]
