"""One contract for all methods, on all modalities."""

import copy
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pytest
import torch
from torch_geometric.explain import GNNExplainer
from torch_geometric.nn import GATConv, HGTConv, SAGEConv

from mmgraph import DataError, MultimodalGraphClassifier
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.counterfactual import Counterfactual
from mmgraph.explain.gradient import GradientInput
from mmgraph.explain.integrated import IntegratedGradients
from mmgraph.explain.methods import DEFAULT, EXPLAINERS, Method, find_explainer
from mmgraph.explain.occlusion import Occlusion
from mmgraph.explain.pyg import PyGExplainer
from mmgraph.explain.shapley import Shapley
from mmgraph.nn.fusion.concat import ConcatFusion
from mmgraph.testing import check_explainer

QUICK = {
    "gnn_explainer": PyGExplainer(GNNExplainer(epochs=3)),
    "shapley": Shapley(orders=2),
}
METHODS = sorted(EXPLAINERS)
OTHERS = {
    "GAT": {"conv": lambda i, o: GATConv(i, o // 2, heads=2, add_self_loops=False)},
    "SAGE": {"conv": lambda i, o: SAGEConv(i, o)},
    "HGT": {"conv": lambda i, o, metadata: HGTConv(i, o, metadata, heads=2)},
    "no graph": {"fusion": ConcatFusion, "num_layers": None},
}
NEED_GRAPH = {"attention_gradient", "attention_rollout", "gnn_explainer"}


def quick(name):
    return QUICK.get(name, find_explainer(name))


def turned(name, estimator, frame, usual=9):
    """A row to explain: for counterfactuals one whose prediction is another without some units."""
    if name != "counterfactual":
        return usual
    for row in range(len(frame)):
        (explained,) = estimator.explain(frame.iloc[[row]], method=quick(name))
        if explained.scores.any():
            return row
    raise AssertionError("no row's prediction changes without some of its units")


def subclasses(kind):
    for each in kind.__subclasses__():
        yield each
        yield from subclasses(each)


def test_no_method_escapes_the_contract():
    ours = {kind for kind in subclasses(Explainer) if kind.__module__.startswith("mmgraph.explain")}
    assert ours == set(EXPLAINERS.values())
    assert set(get_args(Method)) == set(EXPLAINERS)
    assert DEFAULT in EXPLAINERS


@pytest.mark.parametrize("name", METHODS)
def test_every_row_of_every_modality(mixed, fitted, name):
    frame, _ = mixed
    rows = frame.iloc[[9, 5]]
    explained = fitted.explain(rows, method=quick(name))
    assert [each.row for each in explained] == ["'r9'", "'r5'"]
    counts = fitted.count_items(rows)
    for number, each in enumerate(explained):
        frame_of_nodes = each.to_frame()
        assert np.isfinite(each.scores).all()
        present = counts.columns[counts.iloc[number] > 0]
        assert set(frame_of_nodes["modality"]) == set(present)
        for modality in present:
            items = frame_of_nodes.loc[frame_of_nodes["modality"] == modality, "item"]
            assert items.nunique() == counts[modality].iloc[number]
        assert each.outputs == ["bad", "fair", "good"]
        assert sum(each.predicted) == pytest.approx(1, abs=1e-5)
        assert each.method == name
        if each.base is not None and number != 1:
            total = each.value - each.base
            assert each.scores.sum() == pytest.approx(total, abs=0.01 * max(1, abs(total)))
    assert not explained[1].nodes  # the row without anything
    assert explained[0].edges[0].weight.shape[1] == (1 if name == "gnn_explainer" else 4)


@pytest.mark.parametrize("name", METHODS)
def test_contract(mixed, fitted, small, name):
    check_explainer(quick(name))
    check_explainer(quick(name), fitted, mixed[0].iloc[[turned(name, fitted, mixed[0]), 5]])
    check_explainer(quick(name), small, mixed[0].iloc[[turned(name, small, mixed[0])]])


@pytest.mark.parametrize("name", METHODS)
def test_targets(mixed, small, name):
    row = mixed[0].iloc[[9]]
    good, bad = (small.explain(row, method=quick(name), target=t)[0] for t in ("good", "bad"))
    assert (good.target, bad.target) == (2, 0)
    assert not np.allclose(good.scores, bad.scores)
    if name in ("gradient", "integrated_gradients", "occlusion", "shapley"):
        fair = small.explain(row, method=quick(name), target="fair")[0]
        # A softmax ignores what is common to all classes, and so do the scores.
        np.testing.assert_allclose(good.scores + bad.scores + fair.scores, 0, atol=1e-4)


@pytest.fixture(scope="module", params=OTHERS)
def other(request, mixed, modalities):
    """Return a classifier with another convolution or fusion, and its name."""
    frame, label = mixed
    clf = MultimodalGraphClassifier(
        modalities[:2],
        **{"num_layers": 1, **OTHERS[request.param]},
        channels=8,
        linear=False,
        absent_nodes=True,
        epochs=1,
        refit=False,
        validation=0.0,
        verbose=False,
    )
    return clf.fit(frame[:12], label[:12]), request.param


# Two more go the ways of integrated gradients and occlusion.
@pytest.mark.parametrize("name", sorted(EXPLAINERS.keys() - {"gradient", "shapley"}))
def test_other_models(mixed, other, name):
    clf, kind = other
    row = mixed[0].iloc[[4]]  # two texts, and no photo
    refused = name in NEED_GRAPH and kind == "no graph"
    refused |= name.startswith("attention") and kind == "SAGE"
    refused |= name == "attention_gradient" and kind == "HGT"
    if refused:
        with pytest.raises(DataError, match='method="occlusion"'):
            clf.explain(row, method=quick(name))
        return
    if name == "gnn_explainer" and kind == "HGT":
        pytest.skip("PyG masks edges by relation, which HGTConv does not have")
    explainer = Counterfactual(most=40) if name == "counterfactual" else quick(name)
    (found,) = clf.explain(row, method=explainer)
    assert np.isfinite(found.scores).all()
    if name == "counterfactual":  # which says nothing where all that can go changes nothing
        assert len(found.scores) <= explainer.most
        usual = clf.classes_[int(clf.model_.task.prior.argmax())]
        assert found.scores.any() or clf.predict(row)[0] == usual
    else:
        assert found.scores.any()
    missing = [node for node in found.nodes if not node.is_input]
    assert [(node.modality, node.place.label, node.score) for node in missing] == [
        ("photos", "(missing)", 0.0)
    ]


def test_unused_inputs_have_no_score(mixed, small):
    clf = copy.deepcopy(small)
    with torch.no_grad():
        clf.model_.weights = torch.tensor([0.0, 1.0])
        readout = clf.model_.fusion.mlp[0]
        readout.weight[:, :8] = 0  # of the photos' vector
    clf.model_.fusion.gnn.layers = torch.nn.ModuleList()
    for explainer in (Occlusion(), GradientInput(), IntegratedGradients(), Shapley(orders=2)):
        (found,) = clf.explain(mixed[0].iloc[[9]], method=explainer)
        nodes = found.to_frame().groupby("modality")["score"]
        # Removing all of a photo would be a missing modality, which none of these does here,
        # but the last steps of Shapley's orders do: the prior.
        assert nodes.get_group("photos").abs().max() < 1e-5 or isinstance(explainer, Shapley)
        assert nodes.get_group("texts").abs().max() > 1e-4


def test_unknown_names(mixed, fitted):
    with pytest.raises(DataError, match=r"expected a method of .*'occlusion'.*, got 'magic'"):
        fitted.explain(mixed[0][:1], method="magic")
    with pytest.raises(DataError, match="target='ugly': expected one of the outputs 'bad', 'fair'"):
        fitted.explain(mixed[0][:1], target="ugly")


@dataclass(frozen=True)
class Broken(Occlusion):
    """A good explainer, in which each test breaks one promise."""

    name = "broken"


class Settled(Explainer):
    name = "settled"

    def __init__(self, steps):
        self.steps = steps

    def attribute(self, sample, target):
        return Attribution(torch.zeros(sample.units))


def occlusion(self, sample, target):
    return Occlusion().attribute(sample, target).scores


def always(value):
    return lambda self, sample, target: Attribution(value(self, sample, target))


def graded(self, sample, target):
    gate = torch.ones(1, sample.units, requires_grad=True)
    with torch.enable_grad():
        sample.faded(gate)[0, target].backward()
    return Attribution(gate.grad[0])


def training(self, sample, target):
    sample.model.head.train()
    return Attribution(occlusion(self, sample, target))


BREAKS = {
    "name is None": {"name": None},
    "signed is 'yes'": {"signed": "yes"},
    "attribute returns Tensor": {"attribute": occlusion},
    "expected one for each of": {"attribute": always(lambda *a: occlusion(*a)[1:])},
    "scores are not finite": {"attribute": always(lambda *a: occlusion(*a) * torch.nan)},
    "carry gradients": {"attribute": always(lambda *a: occlusion(*a).requires_grad_())},
    "negative, but signed is False": {"signed": False},
    "expected the logit less the base": {
        "attribute": lambda *a: Attribution(occlusion(*a), base=99.0)
    },
    "edges have the shapes": {
        "attribute": lambda *a: Attribution(occlusion(*a), edges={("a", "b", "c"): torch.ones(2)})
    },
    "other scores in another run": {"attribute": always(lambda *a: torch.rand(a[1].units))},
    "two outputs have the same scores": {
        "attribute": always(lambda self, sample, target: occlusion(self, sample, 0))
    },
    "the model's gradients changed": {"attribute": graded},
    "the model's training mode changed": {"attribute": training},
}  # fmt: skip


@pytest.mark.parametrize("message", BREAKS)
def test_broken_promises_are_found(message, monkeypatch):
    for name, broken in BREAKS[message].items():
        monkeypatch.setattr(Broken, name, broken)
    with pytest.raises(AssertionError, match=message):
        check_explainer(Broken())


def test_settings_are_fields():
    check_explainer(Broken())
    with pytest.raises(AssertionError, match="add @dataclass"):
        check_explainer(Settled(2))
