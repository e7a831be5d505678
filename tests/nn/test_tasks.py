import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score
from torch.nn import functional as F

from mmgraph.nn.robust import RobustRegression
from mmgraph.nn.tasks import Multiclass, Multilabel, Regression


def test_balanced_classes_count_the_same():
    task = Multiclass(3)
    task.fit(torch.tensor([0] * 8 + [1] * 8 + [2] * 2))
    np.testing.assert_allclose(task.class_weight, [18 / 24, 18 / 24, 3], rtol=1e-6)
    np.testing.assert_allclose(task.prior.softmax(0), [8 / 18, 8 / 18, 2 / 18], rtol=1e-6)
    plain = Multiclass(3, balanced=False)
    plain.fit(torch.tensor([0, 0, 2]))
    assert plain.class_weight.tolist() == [1, 1, 1]
    assert plain.prior.isfinite().all()  # also of a class without rows


def test_multiclass_by_hand():
    task = Multiclass(2)
    task.class_weight = torch.tensor([1.0, 3.0])
    logits, target = torch.tensor([[0.0, 0.0], [0.0, 2.0]]), torch.tensor([0, 1])
    each = np.array([np.log(2), np.log(1 + np.exp(-2.0))])
    total = task.loss(logits, target, reduction="sum")
    assert float(total) == pytest.approx(each @ [1, 3], rel=1e-6)
    unweighted = task.loss(logits, target, reduction="sum", weighted=False)
    assert float(unweighted) == pytest.approx(each.sum(), rel=1e-6)
    assert float(task.loss(logits, target)) == pytest.approx(each @ [1, 3] / 4, rel=1e-6)
    assert float(task.score(logits, target)) == 1  # the first of equal logits
    np.testing.assert_allclose(task.activate(logits)[0], [0.5, 0.5])


def test_multilabel_by_hand():
    task = Multilabel(2)
    target = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    task.fit(target)
    np.testing.assert_allclose(task.prior.sigmoid(), [3 / 5, 1 / 5], rtol=1e-6)
    logits = torch.tensor([[1.0, -1.0], [-2.0, 0.5], [0.0, 0.0]])
    expected = F.softplus(torch.tensor([-1.0, -1.0, 2.0, 0.5, 0.0, 0.0])).mean()
    assert float(task.loss(logits, target)) == pytest.approx(float(expected), rel=1e-6)
    assert float(task.score(logits, target)) == pytest.approx(4 / 6)
    smooth = task.loss(logits[:1, :1], target[:1, :1], label_smoothing=0.1)
    assert float(smooth) == pytest.approx(0.95 * np.log1p(np.exp(-1)) + 0.05 * np.log1p(np.e))


def test_threshold_has_the_best_micro_f1():
    torch.manual_seed(0)
    target = (torch.rand(400, 5) < 0.1).float()
    logits = 2 * target + torch.randn(400, 5) - 3  # all of them too low for 0.5
    task = Multilabel(5)
    task.calibrate(logits, target)
    assert task.threshold < 0.4

    def f1(threshold):
        return f1_score(target, logits.sigmoid() >= threshold, average="micro", zero_division=0)

    assert f1(float(task.threshold)) > f1(0.5) + 0.1
    assert f1(float(task.threshold)) >= max(f1(k / 100) for k in range(5, 96)) - 0.003
    other = Multilabel(5)
    other.take_calibration(task.calibration())
    assert other.threshold == task.threshold
    task.calibrate(logits, torch.zeros(400, 5))  # tells nothing
    assert other.threshold == task.threshold


def test_regression_by_hand():
    task = Regression(2)
    target = torch.tensor([[0.0, 5.0], [4.0, 5.0]])
    task.fit(target)
    assert task.mean.tolist() == [2, 5]
    assert task.std.tolist() == [2, 1]  # what never changes is not divided by zero
    assert task.activate(task.prior.unsqueeze(0)).tolist() == [[2, 5]]
    logits = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    assert float(task.loss(logits, target)) == pytest.approx((1 + 0 + 0 + 4) / 4)
    assert float(task.loss(logits, target, reduction="sum")) == pytest.approx(5)
    assert float(task.score(logits, target)) == pytest.approx((2 + 0 + 0 + 2) / 4)


def test_regression_keeps_small_differences_of_large_numbers():
    task = Regression(1)
    target = 1.7e9 + torch.tensor([[0.0], [1.0], [2.0]], dtype=torch.float64)
    task.fit(target)
    logits = ((target - target.mean()) / target.std(correction=0)).float()
    assert float(task.loss(logits, target)) == pytest.approx(0, abs=1e-12)
    torch.testing.assert_close(task.activate(logits), target, rtol=0, atol=1e-6)
    torch.testing.assert_close(task.float().activate(logits), target, rtol=0, atol=1e-6)


def test_robust_regression_by_hand():
    task = RobustRegression(2)
    target = torch.tensor([[0.0, 5.0], [1.0, 5.0], [3.0, 5.0], [7.0, 5.0], [1e9, 8.0]])
    task.fit(target)
    assert task.mean.tolist() == [3, 5]
    # Distances 3, 2, 0, 4 and much; then 0 but for one of 3.
    assert task.std.tolist() == pytest.approx([1.4826 * 3] * 2)
    assert task.indicators(target)[:, 0].tolist() == pytest.approx(
        [-3 / 4.4478, -2 / 4.4478, 0, 4 / 4.4478, 3]
    )
    logits = torch.zeros(5, 2)
    squares = (9 + 4 + 0 + 16) / 4.4478**2
    far = (1e9 - 3) / 4.4478
    beyond = 2 * 1.345 * far - 1.345**2 + (3 / 4.4478) ** 2
    found = task.loss(logits, target, reduction="sum")
    assert float(found) == pytest.approx(squares + beyond, rel=1e-6)
    # Small errors count, and bend, as in squared error.
    error = torch.tensor([[0.5, -1.0]], dtype=torch.float64)
    at = task.activate(error)
    zeros = torch.zeros(1, 2, dtype=torch.float64)
    assert float(task.loss(zeros, at)) == pytest.approx(error.square().mean())


def test_robust_regression_of_numbers_that_are_the_same():
    task = RobustRegression(1)
    task.fit(torch.full((4, 1), 7.0))
    assert (task.mean.tolist(), task.std.tolist()) == ([7], [1])
