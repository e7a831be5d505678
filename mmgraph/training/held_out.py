"""What rows that were held out say of a model: its scores, and whether a part pays."""

from __future__ import annotations

import logging
import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.task import Task

logger = logging.getLogger("mmgraph")

#: Share of the loss that the graph has to take away to be worth its time, and how many standard
#: errors that must be, so that it is not chance.
_LEAST_GAIN, _LEAST_ERRORS = 0.02, 2.0


def calibrate(
    task: Task,
    logits: Float[Tensor, "rows outputs"],
    target: Shaped[Tensor, "rows *outputs"],
) -> dict[str, float]:
    """Let the task learn how logits become decisions; return loss and metric of the rows."""
    task.calibrate(logits, target)
    loss = task.loss(logits, target, weighted=False)
    return {"loss": float(loss), task.metric: float(task.score(logits, target))}


def leave_out_unless_it_pays(
    model: MultimodalModel,
    cheap: Float[Tensor, "rows outputs"],
    fused: Float[Tensor, "rows outputs"],
    target: Shaped[Tensor, "rows *outputs"],
) -> None:
    """Set the fused part's weight to 0 where its gain may well be chance, and say so.

    It stays where the mean loss of held-out rows falls by more than two standard errors of that
    difference, and by more than a fiftieth.

    Args:
        model: The model, whose parts have been weighed.
        cheap: Logits of the linear model and the neighbours, fitted without these rows.
        fused: Logits of the fused part, trained without these rows.
        target: Target of each row.
    """
    if model.linear is None or not model.linear.sees_all:
        return  # the fused part alone sees some modality
    alone = model.cheap_weight(cheap, target)
    without = losses(model.task, alone * cheap, target)
    both = losses(model.task, model.weights[0] * cheap + model.weights[1] * fused, target)
    gain = without - both
    error = float(gain.std()) / len(gain) ** 0.5 if len(gain) > 1 else math.inf
    least = max(_LEAST_ERRORS * error, _LEAST_GAIN * float(without.mean()))
    pays = bool(model.weights[1] > 0) and float(gain.mean()) > least
    logger.info(
        "the graph is %s: with it the loss of %d held-out rows is %.4f, without it %.4f",
        *("kept" if pays else "left out", len(gain), float(both.mean()), float(without.mean())),
    )
    if not pays:
        model.weights = torch.tensor([1.0, 0.0])


def losses(
    task: Task,
    logits: Float[Tensor, "rows outputs"],
    target: Shaped[Tensor, "rows *outputs"],
) -> Float[Tensor, "rows"]:
    """Return the loss of each row, all of which count the same."""
    pairs = zip(logits.split(1), target.split(1), strict=True)
    return torch.stack([task.loss(row, wanted, weighted=False) for row, wanted in pairs])
