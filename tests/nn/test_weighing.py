import pytest
import torch

from mmgraph.nn.tasks import Multiclass, Regression
from mmgraph.nn.weighing import find_offset, weigh_parts


def test_weights_by_hand():
    # (2 w - 1)^2 + (w - 1)^2 + 3 (w - 1)^2 is least at w = 6 / 8.
    target = torch.tensor([[1.0], [-1.0]])
    task = Regression(1)
    task.fit(target)
    parts = torch.tensor([[[2.0], [-1.0]]])
    weights = weigh_parts(parts, target, task, start=torch.ones(1), pull=3.0)
    assert weights.tolist() == pytest.approx([0.75])


def test_a_part_that_harms_is_left_out_and_the_others_weighed_anew():
    target = torch.tensor([0, 1, 0, 1, 0])
    task = Multiclass(2)
    task.fit(target)
    good = torch.tensor([[2.0, 0], [0, 2.0], [2.0, 0], [0, 1.0], [0, 1.0]])
    parts = torch.stack([good, -torch.tensor([[5.0, 0], [0, 5.0], [5.0, 0], [0, 5], [5.0, 0]])])
    weights = weigh_parts(parts, target, task, start=torch.tensor([1.0, 0.0]), pull=0.1)
    alone = weigh_parts(parts[:1], target, task, start=torch.ones(1), pull=0.1)
    assert weights[1] == 0
    assert float(weights[0]) == pytest.approx(float(alone[0]), abs=1e-4)


def test_without_rows_that_tell_weights_stay():
    task = Multiclass(2)
    task.fit(torch.tensor([0, 1]))
    parts, target = torch.zeros(2, 4, 2), torch.tensor([0, 1, 0, 1])
    start = torch.tensor([1.0, 0.5])
    weights = weigh_parts(parts, target, task, start=start, pull=1.0)
    torch.testing.assert_close(weights, start)


def test_offset_gives_classes_the_share_that_they_have():
    # Three rows of four are of class 0, and the logits say nothing.
    task, target = Multiclass(2), torch.arange(400) % 4 // 3
    task.fit(target)
    offset = find_offset(torch.zeros(400, 2), target, task, pull=1e-3)
    assert offset.softmax(0).tolist() == pytest.approx([0.75, 0.25], abs=1e-3)
    assert find_offset(torch.zeros(400, 2), target, task, pull=1e6).abs().max() < 1e-3


def test_offset_of_numbers_is_what_they_are_off_by_on_average():
    task, target = Regression(1), torch.tensor([[1.0], [3.0]])
    task.fit(target)
    logits = torch.tensor([[0.5], [0.7]])  # standardised: off by -1.5 and .3
    found = find_offset(logits, target, task, pull=1e-6)
    assert found.tolist() == pytest.approx([-0.6], abs=1e-3)
