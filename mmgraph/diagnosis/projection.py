"""The best additive imitation of a model: what is left of it without interaction."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor


def additive_projection(
    predict: Callable[[Int[Tensor, "batch modalities"]], Float[Tensor, "batch outputs"]],
    rows: int,
    modalities: int,
    *,
    seed: int = 0,
) -> Float[Tensor, "rows outputs"]:
    r"""Return the logits of the additive function nearest to a model (EMAP).

    Empirical multimodally-additive projection (https://arxiv.org/abs/2010.06572), the sum of
    what each modality says on average over all others:

    .. math::
        \tilde f(x_{1i}, \dots, x_{Mi}) = \sum_m \bar f_m(x_{mi}) - (M - 1) \bar f

    where :math:`\bar f_m(x_{mi})` averages the logits over the other modalities of other rows,
    and :math:`\bar f` over everything. If it scores as the model does, the model's accuracy
    needs no interaction between modalities, whatever its architecture could express.

    Two modalities have rows² pairs, all of which are predicted: the projection is exact. With
    more, as many predictions form an orthogonal array, in which each pair of modalities meets
    in every combination of rows once, so that averages over the others are estimates; then
    `rows` must be a prime number not below `modalities`.

    Args:
        predict: Logits of samples whose modalities come from the given rows.
        rows: Number of rows.
        modalities: Number of modalities.
        seed: Seed of the array for more than two modalities.

    Returns:
        The projection's logits of every row.

    Raises:
        ValueError: More than two modalities, and `rows` is no prime or too small.

    Example:
        >>> table = torch.tensor([[1.0, 2.0], [3.0, 8.0]])
        >>> additive_projection(lambda rows: table[rows[:, 0], rows[:, 1], None], 2, 2).T
        tensor([[0., 7.]])
    """
    if modalities > 2 and (rows < modalities or largest_prime(rows) != rows):
        raise ValueError(f"expected a prime number of rows, {modalities} or more, got {rows}")
    generator = torch.Generator().manual_seed(seed)
    orders = torch.stack([torch.randperm(rows, generator=generator) for _ in range(modalities)])
    start = torch.arange(rows)
    steps = torch.arange(modalities).unsqueeze(1)
    averages: Tensor | None = None
    for turn in range(rows):
        chosen = orders.gather(1, (start + steps * turn) % rows)  # [modalities, rows]
        logits = predict(chosen.T).double()
        if averages is None:
            averages = logits.new_zeros(modalities, rows, logits.shape[1])
        for average, own in zip(averages, chosen, strict=True):
            average.index_add_(0, own, logits / rows)
    assert averages is not None
    return (averages.sum(0) - (modalities - 1) * averages.mean((0, 1))).float()


def largest_prime(most: int) -> int:
    """Return the largest prime number that is not above another number.

    Example:
        >>> largest_prime(300), largest_prime(2)
        (293, 2)
    """
    return next(n for n in range(most, 1, -1) if all(n % k for k in range(2, int(n**0.5) + 1)))
