import pytest
import torch

from mmgraph.nn.linear.dual import Dual, fit_dual
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression


def make_task(kind, target, outputs):
    task = {"classes": Multiclass, "labels": Multilabel, "numbers": Regression}[kind](outputs)
    task.fit(target)
    return task


def make_target(kind, rows, outputs):
    generator = torch.Generator().manual_seed(1)
    if kind == "classes":
        return torch.arange(rows) * 7 // 2 % outputs
    if kind == "labels":
        return (torch.rand(rows, outputs, generator=generator) < 0.4).float()
    return torch.randn(rows, outputs, generator=generator)


def by_gradients(x, target, task):
    """The same model by its weights."""
    weight = torch.zeros(x.shape[1], task.outputs, requires_grad=True)
    bias = torch.zeros(task.outputs, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=500, tolerance_change=1e-12, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = task.loss(x @ weight + bias, target, reduction="sum")
        loss = loss + weight.square().sum() / 2
        loss.backward()
        return loss

    optimizer.step(closure)
    return weight.detach(), bias.detach()


@pytest.mark.parametrize("kind", ["classes", "labels", "numbers"])
@pytest.mark.parametrize("features", [3, 40])
def test_dual_form_is_the_same_model(kind, features):
    x = torch.randn(30, features, generator=torch.Generator().manual_seed(0))
    target = make_target(kind, 30, 3)
    task = make_task(kind, target, 3)
    dual = fit_dual(x @ x.T, target, task, tolerance=1e-9, max_iter=500)
    weight, bias = by_gradients(x, target, task)
    torch.testing.assert_close(x.T @ dual.coefficient, weight, atol=3e-3, rtol=3e-3)
    torch.testing.assert_close(dual.bias, bias, atol=3e-3, rtol=3e-3)


def test_two_numbers_by_hand():
    # Targets 1 and -1, x of 1 and -1: (w - 1)^2 + (1 - w)^2 + w^2 / 2 is least at w = 4 / 5.
    x, target = torch.tensor([[1.0], [-1.0]]), torch.tensor([[1.0], [-1.0]])
    task = make_task("numbers", target, 1)
    dual = fit_dual(x @ x.T, target, task, tolerance=0.0)
    assert float(x.T @ dual.coefficient) == pytest.approx(0.8, abs=1e-5)
    assert float(dual.bias) == pytest.approx(0, abs=1e-6)


def test_squared_error_takes_a_few_steps():
    x = torch.randn(20, 30, generator=torch.Generator().manual_seed(0))
    target = make_target("numbers", 20, 2)
    task = make_task("numbers", target, 2)
    soon = fit_dual(x @ x.T, target, task, tolerance=0.0, max_iter=8)
    long = fit_dual(x @ x.T, target, task, tolerance=0.0, max_iter=50)
    torch.testing.assert_close(soon.coefficient, long.coefficient, atol=1e-3, rtol=1e-3)


def test_a_start_does_not_change_the_end():
    x = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    target = make_target("classes", 20, 3)
    task = make_task("classes", target, 3)
    start = Dual(torch.randn(20, 3, generator=torch.Generator().manual_seed(2)), torch.ones(3))
    first = fit_dual(x @ x.T, target, task, tolerance=1e-9, max_iter=300)
    other = fit_dual(x @ x.T, target, task, start=start, tolerance=1e-9, max_iter=300)
    for one, two in ((first.coefficient, other.coefficient),):
        torch.testing.assert_close(x.T @ one, x.T @ two, atol=3e-3, rtol=3e-3)
