"""How much each modality says about how alike rows are, learnt from labelled rows."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from mmgraph.nn.neighbours.similarity import NEVER, RowVectors, nearest
from mmgraph.nn.task import Task

#: Neighbours that are weighed, of those that are nearest when all modalities count the same.
_CANDIDATES = 100
#: How strongly the logarithms of what is learnt are pulled to where they begin, in rows.
_PULL = 0.5
_MAX_ITER = 25


def learn_sharpness(
    rows: RowVectors,
    target: Shaped[Tensor, "rows *outputs"],
    group: Int[Tensor, "rows"],
    task: Task,
    *,
    asked: Int[Tensor, "asked"],
    others: Float[Tensor, "parts asked outputs"],
    start: Float[Tensor, "parts_and_vote"],
    sharpness: Float[Tensor, "modalities"],
    pull: float,
) -> Float[Tensor, "modalities"]:
    r"""Return the weights β of the modalities that help most beside the other parts.

    The loss of some rows is made small by L-BFGS, over β and over the weights of all parts
    together; a row's neighbours are never of its own group.

    Args:
        rows: What rows are compared by.
        target: Target of each row.
        group: Group of each row; its own number where there are no groups.
        task: Whose loss, with all rows counting the same, is made small.
        asked: Rows whose loss is made small; a thousand tell as much as more.
        others: Their logits by the other parts, fitted without the row.
        start: Weights of the other parts and, last, of the vote, to begin with.
        sharpness: β to begin with.
        pull: How strongly the weights are pulled to where they begin, in rows.
    """
    _, near = nearest(rows[asked], rows, sharpness, _CANDIDATES, apart=(group[asked], group))
    cosine, both = _compare(rows, asked, near)
    both = both & (group[near] != group[asked].unsqueeze(1)).unsqueeze(2)
    wanted = target[asked]
    said = task.indicators(target)[near]
    begin = sharpness.log()
    log_sharpness = begin.clone().requires_grad_()
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [log_sharpness, weights],
        max_iter=_MAX_ITER,
        tolerance_change=1e-4,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        share = _shares(cosine, both, log_sharpness.exp())
        vote = task.logits_of_mean((share.unsqueeze(1) @ said).squeeze(1))
        logits = torch.einsum("p,pro->ro", weights[:-1], others) + weights[-1] * vote
        loss = task.loss(logits, wanted, reduction="sum", weighted=False)
        loss = loss + pull * (weights - start).square().sum()
        loss = loss + _PULL * (log_sharpness - begin).square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        optimizer.step(closure)
    return log_sharpness.detach().exp()


def _compare(
    rows: RowVectors, asked: Int[Tensor, "asked"], near: Int[Tensor, "asked count"]
) -> tuple[Float[Tensor, "asked count modalities"], Bool[Tensor, "asked count modalities"]]:
    """Return the cosine by each modality of each row and its candidates, and whether both have."""
    cosines = [(x[near] @ x[asked].unsqueeze(2)).squeeze(2) for x in rows.vectors]
    both = rows.has[near] & rows.has[asked].unsqueeze(1)
    return torch.stack(cosines, dim=2) * both, both


def _shares(cosine: Tensor, both: Tensor, sharpness: Tensor) -> Float[Tensor, "rows count"]:
    """Return how much each candidate says, as `similarity` and `shares_of` have it."""
    shared = (both * sharpness).sum(2)
    alike = (cosine * sharpness).sum(2) * sharpness.sum() / shared.clamp_min(1e-12)
    alike = torch.where(shared > 0, alike, NEVER)
    return alike.softmax(1) * (alike > NEVER / 2)
