"""What a fusion promises."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Chain, Grid, Relation
from mmgraph.modalities.features import Features
from mmgraph.nn.fusion.base import Fusion
from mmgraph.testing.expect import distance, expect, expect_gradients
from mmgraph.testing.in_fit import check_in_fit
from mmgraph.testing.nodes import random_nodes, shuffle_nodes, take_sample

_CHANNELS = 8
_TOLERANCE = 1e-5

#: Modalities with their own relations, and the lengths of their items in five samples: with all
#: modalities, each one missing, and none at all.
MODALITIES: dict[str, dict[str, Relation]] = {
    "image": {"beside": Grid(2, 2)},
    "text": {"next": Chain()},
    "audio": {},
    "table": {},
}
_LENGTHS = {
    "image": [[4, 4], [], [4], [4], []],
    "text": [[3], [2, 4], [], [5], []],
    "audio": [[2], [6], [3], [], []],
    "table": [[3], [2], [3], [4], []],
}

#: Makes a fusion from (modalities with their relations, channels).
FusionLike = Callable[..., Fusion]
NodesDict = Mapping[str, Nodes]


def check_fusion(
    fusion: FusionLike, *, seed: int = 0, untrained: str = "", untrained_alone: str = ""
) -> None:
    """Check that a fusion keeps what `Fusion` promises, for one, two, three and four modalities.

    It gives one finite vector of `out_channels` for each sample, whatever is missing; the same
    alone and in a batch, in any order of nodes and modalities, and with its weights in another
    copy; gradients are finite and train every parameter; and dtype follows the input. In the end
    a classifier is fitted with it, saved and loaded.

    Args:
        fusion: The class, or a function of the modalities and the number of channels.
        seed: Seed of weights and nodes.
        untrained: Pattern of the names of parameters that need no gradient, such as the bias of a
            softmax.
        untrained_alone: The same, with one modality only.

    Raises:
        AssertionError: A promise is broken; the message says which and how to mend it.

    Example:
        >>> from mmgraph.nn import ConcatFusion
        >>> check_fusion(ConcatFusion)
    """
    with torch.random.fork_rng(devices=[]):
        for count in (3, 1, 2, 4):
            names = list(MODALITIES)[:count]
            torch.manual_seed(seed)
            batch = {name: random_nodes(_LENGTHS[name], _CHANNELS) for name in names}
            made = _make(fusion, names, seed)
            said = f"with the modalities {', '.join(names)}"
            _check_result(made, batch, said)
            _check_alone(made, batch, said)
            _check_order(made, batch, said)
            _check_missing(made, batch, said)
            allowed = [each for each in (untrained, untrained_alone * (count == 1)) if each]
            _check_trained(made, batch, said, allowed)
            _check_copies(fusion, made, batch, seed, said)
    _check_in_fit(fusion, seed)


def _make(fusion: FusionLike, names: list[str], seed: int) -> Fusion:
    torch.manual_seed(seed)
    made = fusion({name: MODALITIES[name] for name in names}, _CHANNELS)
    expect(
        isinstance(made, Fusion),
        f"expected a Fusion of (modalities, channels), got {type(made).__name__}; make it a "
        "subclass of mmgraph.nn.Fusion",
    )
    channels = getattr(made, "out_channels", None)
    expect(
        isinstance(channels, int),
        f"out_channels is {channels!r}, expected the size of the vector; set it in __init__",
    )
    return made.eval()


def _check_result(fusion: Fusion, batch: NodesDict, said: str) -> None:
    result = fusion(batch)
    expect(isinstance(result, Tensor), f"{said}: forward returns {type(result).__name__}")
    shape = (5, fusion.out_channels)
    expect(
        tuple(result.shape) == shape,
        f"{said}: the result has the shape {tuple(result.shape)}, expected [batch, out_channels] "
        f"= {shape}",
    )
    expect(bool(result.isfinite().all()), f"{said}: the result is not finite; {_NOTHING}")
    expect(
        torch.equal(fusion(batch), result),
        f"{said}: the same batch gives another result; what is random is for training only: ask "
        "self.training, or use nn.Dropout",
    )


_NOTHING = "samples may lack a modality (Nodes.mask is False), or all of them"


def _check_alone(fusion: Fusion, batch: NodesDict, said: str) -> None:
    together = fusion(batch)
    for number in range(len(together)):
        alone = fusion({name: take_sample(nodes, number) for name, nodes in batch.items()})
        difference = distance(alone[0], together[number])
        expect(
            difference <= _TOLERANCE,
            f"{said}: sample {number} alone and in a batch differ by {difference:.1e}; look at "
            "each sample by itself, and at nodes where Nodes.mask is True",
        )


def _check_order(fusion: Fusion, batch: NodesDict, said: str) -> None:
    before = fusion(batch)
    shuffled = fusion({name: shuffle_nodes(nodes) for name, nodes in batch.items()})
    difference = distance(shuffled, before)
    expect(
        difference <= _TOLERANCE,
        f"{said}: the order of nodes in the tensor changes the result by {difference:.1e}; where "
        "it matters, `item` and `index` of Nodes tell it",
    )
    turned = fusion(dict(reversed(list(batch.items()))))
    expect(
        distance(turned, before) <= _TOLERANCE,
        f"{said}: the order of the dict changes the result; go through the modalities in the "
        "order that __init__ was given",
    )


def _check_missing(fusion: Fusion, batch: NodesDict, said: str) -> None:
    """Check batches where a modality, or each of them, is missing from all samples."""
    nothing = random_nodes([[]] * 5, _CHANNELS)
    for missing in [[name] for name in batch] + [list(batch)]:
        fusion.zero_grad()
        result = fusion({**batch, **dict.fromkeys(missing, nothing)})
        where = f"{said}, {missing} missing from all samples"
        expect(bool(result.isfinite().all()), f"{where}: the result is not finite; {_NOTHING}")
        if result.requires_grad:
            result.square().sum().backward()
        expect_gradients(fusion, where)
        lost = [name for name, each in fusion.named_parameters() if each.grad is None]
        expect(
            not lost,
            f"{where}: {lost} have no gradient at all, on which training with several processes "
            "waits forever; use every module whatever is missing",
        )


def _check_trained(fusion: Fusion, batch: NodesDict, said: str, allowed: list[str]) -> None:
    fusion.zero_grad()
    leaves = {name: nodes.x.clone().requires_grad_() for name, nodes in batch.items()}
    result = fusion({name: nodes.with_x(leaves[name]) for name, nodes in batch.items()})
    (result * torch.randn_like(result)).sum().backward()
    expect_gradients(fusion, said)
    for name, parameter in fusion.named_parameters():
        trained = parameter.grad is not None and bool(parameter.grad.any())
        expect(
            trained or not parameter.requires_grad or any(re.search(p, name) for p in allowed),
            f"{said}: the gradient of {name} is zero, so it is never trained; use it, or remove it",
        )
    for name, leaf in leaves.items():
        given = leaf.grad is not None and bool(leaf.grad.isfinite().all())
        expect(given, f"{said}: the nodes of {name} have no finite gradient; use every modality")
        assert leaf.grad is not None
        padded = bool(leaf.grad[~batch[name].mask].any())
        expect(not padded, f"{said}: padding of {name} has a gradient; mask it by Nodes.mask")


def _check_copies(fusion: FusionLike, made: Fusion, batch: NodesDict, seed: int, said: str) -> None:
    """Check that weights are all there is to know, and that dtype follows the input."""
    expected = made(batch)
    other = _make(fusion, list(batch), seed + 1)
    other.load_state_dict(made.state_dict())
    expect(
        distance(other(batch), expected) <= _TOLERANCE,
        f"{said}: with the same state_dict, another copy gives another result; keep what is drawn "
        "in __init__ in parameters or buffers",
    )
    double = {
        name: Nodes(nodes.x.double(), nodes.mask, nodes.item, nodes.index)
        for name, nodes in batch.items()
    }
    try:
        result = copy.deepcopy(made).double()(double)
    except RuntimeError as error:
        raise AssertionError(
            f"{said}: fails in double precision ({error}); make tensors with x.new_zeros or "
            "torch.zeros_like, so that dtype and device follow the nodes"
        ) from error
    expect(
        result.dtype == torch.float64 and distance(result.float(), expected) <= 1e-4,
        f"{said}: in double precision the result is {result.dtype} and differs by "
        f"{distance(result.float(), expected):.1e}; dtype follows the nodes",
    )


def _check_in_fit(fusion: FusionLike, seed: int) -> None:
    import pandas as pd

    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            name: [random.normal(size=(2, 3)) if row % 3 != skip else None for row in range(6)]
            for skip, name in enumerate(("one", "two"))
        }
    )
    modalities = [Features("one"), Features("two")]
    check_in_fit(table, modalities, {"fusion": fusion}, seed=seed, fusion=fusion)
