"""One contract for all fusions."""

import importlib
import inspect
import pkgutil
from functools import partial

import pytest
import torch
from torch import nn
from torch_geometric.nn import SAGEConv

import mmgraph.nn.fusion
from mmgraph.graph.relations import Chain, Grid
from mmgraph.nn.fusion import (
    BilinearFusion,
    BottleneckFusion,
    ConcatFusion,
    CrossAttentionFusion,
    FiLMFusion,
    Fusion,
    GatedFusion,
    GraphFusion,
    LateFusion,
    LowRankFusion,
    TensorFusion,
    WeightedSumFusion,
)
from mmgraph.nn.readout import Readout
from mmgraph.testing import check_fusion, random_nodes

CHANNELS = 8
MODALITIES = {"image": {"beside": Grid(2, 2)}, "text": {"next": Chain()}, "audio": {}, "table": {}}
THREE = {name: MODALITIES[name] for name in ("image", "text", "audio")}

FUSIONS = {
    "bilinear": BilinearFusion,
    "bottleneck": BottleneckFusion,
    "concat": ConcatFusion,
    "concat mean": partial(ConcatFusion, readout="mean"),
    "cross attention": CrossAttentionFusion,
    "film": FiLMFusion,
    "gated": GatedFusion,
    "late": LateFusion,
    "late learned": partial(LateFusion, weighting="learned"),
    "low rank": LowRankFusion,
    "tensor": TensorFusion,
    "weighted sum": WeightedSumFusion,
    "graph": GraphFusion,
    "graph sparse": partial(GraphFusion, execution="sparse"),
    "graph global": partial(GraphFusion, global_node=True),
    "graph set2set": partial(GraphFusion, readout="set2set"),
    "graph sage": partial(GraphFusion, conv=SAGEConv, num_layers=1),
}

#: A softmax ignores a constant, and everything when there is one neighbour only.
UNTRAINABLE = r"\.lin_key\.bias|global__to__\w+\.lin_(key|query)"


@pytest.fixture(params=FUSIONS)
def make(request):
    """Return a function that makes the fusion of some modalities, without dropout."""

    def of(modalities=THREE, *, seed=0):
        torch.manual_seed(seed)
        return FUSIONS[request.param](modalities, CHANNELS).eval()

    return of


def make_nodes(lengths):
    return random_nodes(lengths, CHANNELS)


def make_batch(modalities=THREE):
    """Samples with all modalities, each one missing, and none at all."""
    torch.manual_seed(1)
    batch = {
        "image": make_nodes([[4, 4], [], [4], [4], []]),
        "text": make_nodes([[3], [2, 4], [], [5], []]),
        "audio": make_nodes([[2], [6], [3], [], []]),
        "table": make_nodes([[3], [2], [3], [4], []]),
    }
    return {name: batch[name] for name in modalities}


@pytest.mark.parametrize("name", FUSIONS)
def test_contract(name):
    # One modality alone always has the whole share.
    check_fusion(FUSIONS[name], untrained=UNTRAINABLE, untrained_alone="^weight$")


def test_every_modality_counts(make):
    fusion, batch = make(), make_batch()
    before = fusion(batch)
    for name, nodes in batch.items():
        after = fusion({**batch, name: nodes.with_x(torch.randn_like(nodes.x))})
        changed = (after - before).abs().amax(1) > 1e-6
        assert changed.tolist() == nodes.mask.any(1).tolist()


def test_dropout_is_off_in_evaluation_and_on_in_training(make):
    fusion, batch = make(), make_batch()
    assert torch.equal(fusion(batch), fusion(batch))
    fusion.train()
    assert not torch.equal(fusion(batch), fusion(batch))


def test_lacking_modality_is_named(make):
    batch = make_batch()
    del batch["audio"]
    with pytest.raises(ValueError, match=r"\['audio', 'image', 'text'\], got \['image', 'text'\]"):
        make()(batch)


def test_no_fusion_escapes_the_contract():
    for module in pkgutil.iter_modules(mmgraph.nn.fusion.__path__):
        importlib.import_module(f"mmgraph.nn.fusion.{module.name}")
    tested = {getattr(fusion, "func", fusion) for fusion in FUSIONS.values()}
    ours = {kind for kind in Fusion.__subclasses__() if kind.__module__.startswith("mmgraph.")}
    assert ours == tested
    assert {kind.__name__ for kind in ours} <= set(mmgraph.nn.fusion.__all__)
    assert ours == set(mmgraph.nn.fusion.FUSIONS.values())


@pytest.mark.parametrize("kind", mmgraph.nn.fusion.FUSIONS.values())
def test_constructors_begin_alike(kind):
    parameters = inspect.signature(kind).parameters
    assert list(parameters)[:2] == ["modalities", "channels"]
    options = {name: each for name, each in parameters.items() if each.kind == each.KEYWORD_ONLY}
    assert len(options) == len(parameters) - 2
    assert options["readout"].default == "attention"
    assert options["dropout"].default == 0.2


class Broken(Fusion):
    """A good fusion, in which each test breaks one promise."""

    def __init__(self, modalities, channels):
        super().__init__()
        self.out_channels = channels
        self.readout = Readout("mean", channels)
        self.lins = nn.ModuleDict({name: nn.Linear(channels, channels) for name in modalities})
        self.drawn = torch.ones(())

    def forward(self, nodes):
        return self.change(sum(lin(self.readout(nodes[k])) for k, lin in self.lins.items()), nodes)

    def change(self, result, nodes):
        return result


class Idle(Broken):
    def __init__(self, modalities, channels):
        super().__init__(modalities, channels)
        self.idle = nn.Parameter(torch.ones(3))

    def change(self, result, nodes):
        return result + 0 * self.idle.sum()


class Unused(Idle):
    def change(self, result, nodes):
        return result


class Drawn(Broken):
    def __init__(self, modalities, channels):
        super().__init__(modalities, channels)
        self.drawn = torch.rand(())

    def change(self, result, nodes):
        return result + self.drawn


class Narrow(Broken):
    def __init__(self, modalities, channels):
        super().__init__(modalities, channels)
        del self.out_channels


class NoFusion(nn.Module):
    def __init__(self, modalities, channels):
        super().__init__()


def with_change(change):
    return type("Changed", (Broken,), {"change": lambda self, result, nodes: change(result, nodes)})


def first(nodes):
    return next(iter(nodes.values()))


BREAKS = {
    "expected a Fusion of": NoFusion,
    "out_channels is None": Narrow,
    "the result has the shape": with_change(lambda x, nodes: x[:, 1:]),
    "the result is not finite": with_change(lambda x, nodes: x / first(nodes).mask.sum(1)[:, None]),
    "gives another result; what is random": with_change(lambda x, nodes: x + torch.rand(())),
    "alone and in a batch differ": with_change(lambda x, nodes: x + x.mean(0)),
    "the order of nodes in the tensor": with_change(
        lambda x, nodes: x + sum(each.x[:, :1].sum(1) for each in nodes.values())
    ),
    "the order of the dict": with_change(lambda x, nodes: x + first(nodes).x.sum(1)),
    "idle is zero": Idle,
    r"\['idle'\] have no gradient at all": Unused,
    "another copy gives another result": Drawn,
    "fails in double precision": with_change(
        lambda x, nodes: x @ torch.eye(x.shape[1])
    ),
}  # fmt: skip


@pytest.mark.parametrize("message", BREAKS)
def test_broken_promises_are_found(message):
    with pytest.raises(AssertionError, match=message):
        check_fusion(BREAKS[message])


def test_what_cannot_be_fitted_is_found():
    def fusion(modalities, channels):
        if "one" in modalities:
            raise ValueError("not these")
        return Broken(modalities, channels)

    check_fusion(Broken)
    with pytest.raises(AssertionError, match="fit of a classifier fails: ValueError: not these"):
        check_fusion(fusion)
