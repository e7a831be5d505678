import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph import Complete, Items, Nodes
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.nn.linear.features import MeanFeatures
from mmgraph.nn.linear.model import LinearModel
from mmgraph.nn.linear.solve import solve
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.tasks import Multiclass


def test_balance_trusts_the_better_part():
    torch.manual_seed(0)
    target = torch.randint(0, 3, (300,))
    good = 3 * torch.nn.functional.one_hot(target, 3) + torch.randn(300, 3)
    useless = 3 * torch.randn(300, 3)
    wrong = -3 * torch.nn.functional.one_hot(target, 3) + 3 * torch.randn(300, 3)
    model = MultimodalModel({}, GraphFusion({"text": {}}, 8), Multiclass(3))
    assert model.weights.tolist() == [1, 1]
    model.balance(good, useless, target)
    assert model.weights[0] > 0.8
    assert model.weights[1] < 0.2
    model.balance(wrong, good, target)
    assert model.weights[0] == 0
    alone = model.weights[1].clone()
    assert alone > 0.3
    model.balance(torch.zeros(300, 3), good, target)
    torch.testing.assert_close(model.weights[1], alone)  # weighed as if it were alone


def one_hot(target, length):
    return length * torch.nn.functional.one_hot(target, 3).float()


@pytest.fixture(scope="module")
def balanced():
    """Return a model whose weights may change."""
    return MultimodalModel({}, GraphFusion({"text": {}}, 8), Multiclass(3))


@given(st.integers(0, 2**31), st.floats(0.01, 100), st.integers(1, 30))
def test_weights_are_never_negative(balanced, seed, length, samples):
    generator = torch.Generator().manual_seed(seed)
    linear, fused = length * torch.randn(2, samples, 3, generator=generator)
    balanced.balance(linear, fused, torch.randint(3, (samples,), generator=generator))
    assert balanced.weights.isfinite().all()
    assert (balanced.weights >= 0).all()


def test_balance_leaves_out_what_only_harms():
    target = torch.arange(60) % 3
    model = MultimodalModel({}, GraphFusion({"text": {}}, 8), Multiclass(3))
    model.balance(one_hot(target, 1), one_hot(target, -4), target)
    assert model.weights[1] == 0
    assert model.weights[0] > 0


def test_balance_hardly_moves_on_few_samples():
    target = torch.tensor([0])
    model = MultimodalModel({}, GraphFusion({"text": {}}, 8), Multiclass(3))
    model.balance(one_hot(target, 1), one_hot(target, -1), target)
    torch.testing.assert_close(model.weights, torch.tensor([1.0, 0.0]), atol=0.1, rtol=0)


def test_a_part_that_lacks_a_modality_does_not_lead():
    target = torch.tensor([0])
    linear = LinearModel({"text": [MeanFeatures(2)], "radar": []}, 3)
    model = MultimodalModel({}, GraphFusion({"text": {}}, 8), Multiclass(3), linear=linear)
    model.balance(one_hot(target, 1), one_hot(target, 1), target)
    torch.testing.assert_close(model.weights, torch.ones(2), atol=0.1, rtol=0)


class OneNode(torch.nn.Module):
    """Makes each item's features its only node."""

    def forward(self, items):
        return Nodes.from_flat(
            items.data["features"], sample=items.sample, batch_size=items.batch_size
        )


@pytest.mark.parametrize("with_linear", [True, False])
@torch.no_grad()
def test_logits_are_the_weighted_parts(with_linear):
    torch.manual_seed(0)
    sample = torch.tensor([0, 0, 1, 3, 4])
    items = {"image": Items({"features": torch.randn(5, 8)}, torch.ones(5).long(), sample, 6)}
    linear = None
    if with_linear:
        linear = LinearModel({"image": [MeanFeatures(8)]}, 3)
        solve(linear, linear.measure([items]), torch.tensor([0, 1, 2, 0, 1, 2]), Multiclass(3))
    fusion = GraphFusion({"image": {"all": Complete()}}, 8)
    model = MultimodalModel({"image": OneNode()}, fusion, Multiclass(3), linear=linear).eval()
    model.weights = torch.tensor([0.5, 2.0])
    expected = 2 * model.head(model.fused(items))
    if linear is not None:
        expected = expected + 0.5 * linear(items)
    expected[[2, 5]] = model.task.prior = torch.tensor([0.1, 0.7, 0.2]).log()
    torch.testing.assert_close(model(items), expected)
