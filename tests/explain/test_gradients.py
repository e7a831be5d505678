import pytest
import torch

from mmgraph.explain.gradient import GradientInput
from mmgraph.explain.integrated import IntegratedGradients
from mmgraph.explain.samples import read_samples


@pytest.fixture(scope="module")
def samples(mixed, deep):
    return [each for each in read_samples(deep, mixed[0].iloc[1:4]) if each.units]


def test_integrated_gradients_are_complete(samples):
    for target, sample in enumerate(samples):
        found = IntegratedGradients().attribute(sample, target)
        difference = float(sample.logits[target]) - found.base
        assert float(found.scores.sum()) == pytest.approx(difference, rel=0.01, abs=1e-3)


def test_the_base_has_the_biases_alone(samples):
    sample = samples[1]
    found = IntegratedGradients().attribute(sample, 0)
    gate = torch.zeros(1, sample.units)
    assert found.base == pytest.approx(float(sample.faded(gate)[0, 0].detach()))


def test_gradient_is_that_of_the_features(samples):
    """Compare with the gradient by the encoder's features, which gates only stand for."""
    sample = samples[2]
    model = sample.model
    x_dict = {k: nodes.x.clone().requires_grad_() for k, nodes in sample.nodes.items()}
    nodes = {k: whole.with_x(x_dict[k]) for k, whole in sample.nodes.items()}
    logits = model.task.relevant(model.weights[1] * model.head(model.fusion(nodes)))
    gradients = torch.autograd.grad(logits[0, 1], list(x_dict.values()))
    products = [
        (gradient * x).sum(2)[0].detach()
        for gradient, x in zip(gradients, x_dict.values(), strict=True)
    ]
    expected = torch.cat(products) + sample.linear[:, 1]
    found = GradientInput().attribute(sample, 1)
    torch.testing.assert_close(found.scores, expected, atol=1e-5, rtol=1e-4)


def test_without_a_graph_both_are_the_shares(samples, deep, monkeypatch):
    sample = samples[0]
    monkeypatch.setitem(deep.model_._buffers, "weights", torch.tensor([1.0, 0.0]))
    for name in ("logits", "linear", "_graph_logits"):
        sample.__dict__.pop(name, None)
    for explainer in (GradientInput(), IntegratedGradients()):
        found = explainer.attribute(sample, 2)
        torch.testing.assert_close(found.scores, sample.linear[:, 2], atol=1e-5, rtol=1e-4)
