import pytest
import torch

from mmgraph.nn.linear.dual import fit_dual
from mmgraph.nn.linear.scales import calibrated_loss, choose_scales, out_of_fold
from mmgraph.nn.tasks import Multiclass, Regression


def make_rows(rows=90):
    """Rows whose first kind of features tells the class, and whose second one is noise."""
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(rows) % 3
    signal = torch.nn.functional.one_hot(target, 3) + 0.5 * torch.randn(
        rows, 3, generator=generator
    )
    noise = torch.randn(rows, 40, generator=generator)
    kinds = [x / x.norm(dim=1).mean() for x in (signal, noise)]
    task = Multiclass(3)
    task.fit(target)
    return [x @ x.T for x in kinds], target, torch.arange(rows) // 3 % 5, task


def test_noise_gets_short_features():
    grams, target, fold, task = make_rows()
    signal, noise = choose_scales(grams, target, fold, task)
    assert signal > 3 * noise


def test_left_out_rows_are_unknown_to_their_model():
    # Every row has a feature of its own, so that others say nothing of it but the prior.
    target = torch.tensor([[1.0], [2.0], [3.0], [6.0]])
    task = Regression(1)
    task.fit(target)
    whole = fit_dual(torch.eye(4), target, task)
    logits = out_of_fold(torch.eye(4), target, torch.tensor([0, 0, 1, 1]), task, whole=whole)
    said = task.activate(logits)[:, 0].tolist()
    assert said == pytest.approx([4.5, 4.5, 1.5, 1.5], abs=0.05)  # as far as the solver goes


def test_calibrated_loss_forgives_confidence():
    task, target = Multiclass(2, balanced=False), torch.tensor([0, 1, 1, 0])
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 2.0], [0.0, 2.0]])
    least = calibrated_loss(logits, target, task)
    assert least < float(task.loss(logits, target))
    assert least == pytest.approx(calibrated_loss(logits * 1.5, target, task), abs=0.01)
