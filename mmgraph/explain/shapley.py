"""Shapley values of units, items or modalities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.exact_shapley import coalitions, interaction_values, shapley_values
from mmgraph.explain.unit_row import UnitRow

#: Up to this many players all coalitions are computed: 2 to this power.
_EXACT = 8

#: Up to this many modalities, what each two say together is computed as well.
_MOST_MODALITIES = 6

#: What coalitions are worth: the value of each row of a mask.
Game = Callable[[Bool[Tensor, "coalitions players"]], Float[Tensor, "coalitions"]]


@dataclass(frozen=True)
class Shapley(Explainer):
    r"""Shapley values (https://arxiv.org/abs/1705.07874): a unit's mean effect over all orders.

    .. math::
        s_u = \frac{1}{|U|!} \sum_\pi f(\pi_{\le u}) - f(\pi_{< u})

    for f of `Sample.subsets`. Exact for up to 8 players, else over random orders, each together
    with its reverse (https://arxiv.org/abs/2104.12199). Either way the scores sum to f of the
    whole row less that of an empty one.

    Which modalities interact comes from all coalitions of whole modalities, see
    `Attribution.interactions` and https://doi.org/10.1007/s001820050125.

    Args:
        players: What joins one by one: "units", "items" (whole images and texts) or
            "modalities". The units of a player share its value evenly. Default: "units".
        orders: Random orders; as many forward passes for each player. Default: 20.
        seed: Seed of the orders. Default: 0.
    """

    name: ClassVar[str] = "shapley"
    needs_network: ClassVar[bool] = False

    players: Literal["units", "items", "modalities"] = "units"
    orders: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.players not in ("units", "items", "modalities"):
            raise DataError(
                f'expected players "units", "items" or "modalities", got {self.players!r}'
            )

    def attribute(self, sample: UnitRow, target: int) -> Attribution:
        """Return the scores of the row's units."""
        player = self._player_of_units(sample)
        number = int(player.max()) + 1

        def worth(kept: Bool[Tensor, "coalitions players"]) -> Float[Tensor, "coalitions"]:
            return sample.subsets(kept[:, player])[:, target]

        if number <= _EXACT:
            values = exact_shapley(worth, number)
        else:
            values = sampled_shapley(worth, number, orders=self.orders, seed=self.seed)
        shared = values / torch.bincount(player)
        base = sample.subsets(torch.zeros(1, sample.units, dtype=torch.bool))[0, target]
        return Attribution(shared[player], float(base), interactions=_interactions(sample, target))

    def _player_of_units(self, sample: UnitRow) -> Int[Tensor, "units"]:
        names: list = list(range(sample.units))
        if self.players == "items":
            names = list(sample.unit_items)
        elif self.players == "modalities":
            names = [modality for modality, _ in sample.unit_items]
        order = {name: number for number, name in enumerate(dict.fromkeys(names))}
        return torch.tensor([order[name] for name in names])


def _interactions(sample: UnitRow, target: int) -> dict[tuple[str, str], float]:
    """Return what each two modalities of a row say together beyond what each of them says."""
    owner = [modality for modality, _ in sample.unit_items]
    names = list(dict.fromkeys(owner))
    if not 2 <= len(names) <= _MOST_MODALITIES:
        return {}
    player = torch.tensor([names.index(name) for name in owner])
    kept = torch.from_numpy(coalitions(len(names)))[:, player]
    worth = sample.subsets(kept)[:, target].double().numpy()
    return {(names[i], names[j]): value for (i, j), value in interaction_values(worth).items()}


def exact_shapley(worth: Game, players: int) -> Float[Tensor, "players"]:
    """Return Shapley values from all coalitions.

    Example:
        >>> both = lambda kept: 6.0 * kept.all(1) + 1.0 * kept[:, 0]
        >>> exact_shapley(both, 2).tolist()
        [4.0, 3.0]
    """
    value = worth(torch.from_numpy(coalitions(players))).double()
    return torch.from_numpy(shapley_values(value.detach().numpy()))


def sampled_shapley(
    worth: Game, players: int, *, orders: int, seed: int
) -> Float[Tensor, "players"]:
    """Return Shapley values estimated from random orders and their reverses.

    Args:
        worth: What coalitions are worth.
        players: Number of players.
        orders: Number of orders, reverses included; an odd one is rounded up.
        seed: Seed of the orders.
    """
    generator = torch.Generator().manual_seed(seed)
    half = [torch.randperm(players, generator=generator) for _ in range(-(-orders // 2))]
    rank = torch.stack([order.argsort() for each in half for order in (each, each.flip(0))])
    joined = torch.arange(players + 1).view(1, -1, 1)
    member = rank.unsqueeze(1) < joined  # [orders, players + 1, players]
    value = worth(member.flatten(0, 1)).double().view(len(rank), -1)
    gain = value.diff(dim=1)  # of the player that joins at each place
    return gain.gather(1, rank).mean(0)
