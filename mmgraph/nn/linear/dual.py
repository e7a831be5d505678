"""Penalised linear models in their dual form: one coefficient a training row and output."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from mmgraph.nn.task import Task

#: Steps whose curvature is remembered.
_MEMORY = 10
#: A step shorter than this share of the whole one is taken as it is.
_SHORTEST = 1e-3


@dataclass(frozen=True, eq=False)
class Dual:
    """A linear model of training rows X: weights X^T coefficient, and a bias.

    Args:
        coefficient: How much each row counts for each output.
        bias: What every row gets.
    """

    coefficient: Float[Tensor, "rows outputs"]
    bias: Float[Tensor, "outputs"]

    def logits(self, products: Float[Tensor, "others rows"]) -> Float[Tensor, "others outputs"]:
        """Return the logits of other rows, given their inner products with the training rows."""
        return products @ self.coefficient + self.bias


def fit_dual(
    gram: Float[Tensor, "rows rows"],
    target: Shaped[Tensor, "rows *outputs"],
    task: Task,
    *,
    start: Dual | None = None,
    tolerance: float = 1e-5,
    max_iter: int = 60,
) -> Dual:
    r"""Minimise the task's loss over the rows plus half the squared length of the weights.

    .. math:: \sum_i \ell(f_i + b, y_i) + \tfrac12 \mathrm{tr}(A^\top K A), \quad f = K A

    L-BFGS in the space of the weights, where the gradient by A is l'(f) + A whatever K is. It
    begins with the inverse of I + D K, D being about the loss's curvature, so that a few dozen
    steps are enough, and a few for squared error. The same model as by gradients of the weights, at
    a cost that does not depend on how many features there are.

    Args:
        gram: Inner products K of the rows.
        target: Target of each row.
        task: Whose loss is made small.
        start: A solution for other features, to begin with.
        tolerance: Decrease of the mean loss that is still worth a step.
        max_iter: Most steps.
    """
    search = _Search(gram, target, task)
    state = search.begin(start)
    for _ in range(max_iter):
        following = search.step(state)
        done = following is None or state.loss - following.loss < tolerance * len(target)
        state = state if following is None else following
        if done:
            break
    return Dual(state.point.free, state.point.bias)


@dataclass(frozen=True, eq=False)
class _Vector:
    """A model or a direction: by rows, its product with the Gram matrix, and its bias."""

    free: Tensor
    image: Tensor
    bias: Tensor

    def plus(self, factor: float, other: _Vector) -> _Vector:
        return _Vector(
            self.free + factor * other.free,
            self.image + factor * other.image,
            self.bias + factor * other.bias,
        )

    def dot(self, other: _Vector) -> float:
        return float((self.image * other.free).sum() + self.bias @ other.bias)


@dataclass(frozen=True, eq=False)
class _State:
    point: _Vector
    slope: _Vector
    loss: float


class _Search:
    """L-BFGS with the inner product of the Gram matrix."""

    def __init__(self, gram: Tensor, target: Tensor, task: Task) -> None:
        self.gram, self.target, self.task = gram, target, task
        self.curvature = task.curvature(target).to(gram).unsqueeze(1)
        root = self.curvature.sqrt()
        system = root * gram * root.T
        system.diagonal().add_(1.0)
        self.factor = torch.linalg.cholesky(system)
        self.pairs: deque[tuple[_Vector, _Vector, float]] = deque(maxlen=_MEMORY)

    def begin(self, start: Dual | None) -> _State:
        nothing = self.gram.new_zeros(len(self.gram), self.task.outputs)
        if start is None:
            return self._state(_Vector(nothing, nothing, nothing[0]))
        image = self.gram @ start.coefficient
        return self._state(_Vector(start.coefficient, image, start.bias))

    def step(self, state: _State) -> _State | None:
        """Return the next state, None where no direction leads down any more."""
        direction = self._direction(state.slope)
        slope = -direction.dot(state.slope)
        if not slope < 0:
            return None
        length = 1.0
        while True:
            point = state.point.plus(-length, direction)
            following = self._state(point)
            if following.loss <= state.loss + 1e-4 * length * slope:
                break
            if length < _SHORTEST:
                return None
            length /= 2
        moved = following.point.plus(-1.0, state.point)
        bent = following.slope.plus(-1.0, state.slope)
        product = moved.dot(bent)
        if product > 0:
            self.pairs.append((moved, bent, 1 / product))
        return following

    def _direction(self, slope: _Vector) -> _Vector:
        """Multiply a gradient by the inverse of the curvature that the last steps showed."""
        shares = []
        for moved, bent, scale in reversed(self.pairs):
            shares.append(scale * moved.dot(slope))
            slope = slope.plus(-shares[-1], bent)
        found = self._solve(slope)
        for (moved, bent, scale), share in zip(self.pairs, reversed(shares), strict=True):
            found = found.plus(share - scale * bent.dot(found), moved)
        return found

    def _solve(self, slope: _Vector) -> _Vector:
        """Multiply by the inverse of I + D K, and of the bias's curvature."""
        root = self.curvature.sqrt()
        free = root * torch.cholesky_solve(slope.free / root, self.factor)
        image = (slope.free - free) / self.curvature
        return _Vector(free, image, slope.bias / self.curvature.sum())

    def _state(self, point: _Vector) -> _State:
        logits = (point.image + point.bias).detach().requires_grad_()
        with torch.enable_grad():
            loss = self.task.loss(logits, self.target, reduction="sum")
            (pull,) = torch.autograd.grad(loss, logits)
        penalty = (point.free * point.image).sum() / 2
        slope = _Vector(pull + point.free, self.gram @ pull + point.image, pull.sum(0))
        return _State(point, slope, float(loss.detach() + penalty))
