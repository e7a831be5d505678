"""One contract for all fusions."""

import importlib
import inspect
import pkgutil
import re
from functools import partial

import pytest
import torch
from torch_geometric.nn import SAGEConv

import mmgraph.nn.fusion
from mmgraph.graph.nodes import Nodes
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
from mmgraph.testing import random_nodes

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
UNTRAINABLE = re.compile(r"\.lin_key\.bias|global__to__\w+\.lin_(key|query)")
#: One modality alone always has the whole share.
UNTRAINABLE_ALONE = re.compile(UNTRAINABLE.pattern + r"|^weight$")


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


def of_sample(nodes, number):
    own = nodes.mask[number]
    sample = torch.zeros(int(own.sum()), dtype=torch.long)
    item, index = nodes.item[number][own], nodes.index[number][own]
    return Nodes.from_flat(
        nodes.x[number][own], sample=sample, batch_size=1, item=item, index=index
    )


def shuffled(nodes):
    order = torch.where(nodes.mask, torch.rand(nodes.mask.shape), 2.0).argsort(1)
    x = nodes.x.gather(1, order.unsqueeze(2).expand_as(nodes.x))
    return Nodes(x, nodes.mask, nodes.item.gather(1, order), nodes.index.gather(1, order))


def check_trained(fusion, batch, untrainable=UNTRAINABLE):
    result = fusion(batch)
    (result * torch.randn_like(result)).sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if not untrainable.search(name):
            assert parameter.grad.abs().max() > 0, name


def test_shape(make):
    fusion = make()
    result = fusion(make_batch())
    assert result.shape == (5, fusion.out_channels)
    assert result.isfinite().all()


@pytest.mark.parametrize("count", [1, 2, 4])
def test_any_number_of_modalities(make, count):
    modalities = dict(list(MODALITIES.items())[:count])
    fusion, batch = make(modalities), make_batch(modalities)
    together = fusion(batch)
    assert together.shape == (5, fusion.out_channels)
    alone = fusion({name: of_sample(nodes, 0) for name, nodes in batch.items()})
    torch.testing.assert_close(alone[0], together[0], atol=1e-5, rtol=1e-5)
    check_trained(fusion, batch, UNTRAINABLE_ALONE if count == 1 else UNTRAINABLE)


def test_sample_alone_is_the_sample_in_a_batch(make):
    fusion, batch = make(), make_batch()
    together = fusion(batch)
    for number in range(5):
        alone = fusion({name: of_sample(nodes, number) for name, nodes in batch.items()})
        torch.testing.assert_close(alone[0], together[number], atol=1e-5, rtol=1e-5)


def test_order_of_nodes_does_not_matter(make):
    fusion, batch = make(), make_batch()
    other = {name: shuffled(nodes) for name, nodes in batch.items()}
    assert not torch.equal(other["text"].x, batch["text"].x)
    torch.testing.assert_close(fusion(other), fusion(batch), atol=1e-5, rtol=1e-5)


def test_order_of_keys_does_not_matter(make):
    fusion, batch = make(), make_batch()
    assert torch.equal(fusion(dict(reversed(batch.items()))), fusion(batch))


@pytest.mark.parametrize("missing", [["image"], ["text"], ["audio"], list(THREE)], ids=str)
def test_modality_missing_in_the_whole_batch(make, missing):
    fusion = make().train()
    nowhere = dict.fromkeys(missing, make_nodes([[], [], [], [], []]))
    result = fusion({**make_batch(), **nowhere})
    assert result.isfinite().all()
    result.square().sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_missing_in_the_whole_batch_is_missing_in_a_sample(make):
    fusion, batch = make(), make_batch()
    present = {name: of_sample(nodes, 3) for name, nodes in batch.items()}
    assert present["audio"].mask.shape == (1, 0)
    padded = {name: batch[name] for name in THREE}
    torch.testing.assert_close(fusion(present)[0], fusion(padded)[3], atol=1e-5, rtol=1e-5)


def test_every_modality_counts(make):
    fusion, batch = make(), make_batch()
    before = fusion(batch)
    for name, nodes in batch.items():
        after = fusion({**batch, name: nodes.with_x(torch.randn_like(nodes.x))})
        changed = (after - before).abs().amax(1) > 1e-6
        assert changed.tolist() == nodes.mask.any(1).tolist()


def test_every_parameter_is_trained(make):
    torch.manual_seed(0)
    check_trained(make(), make_batch())


def test_gradients_of_nodes_are_finite(make):
    fusion, batch = make(), make_batch()
    leaves = {name: nodes.x.clone().requires_grad_() for name, nodes in batch.items()}
    result = fusion({name: nodes.with_x(leaves[name]) for name, nodes in batch.items()})
    (result * torch.randn_like(result)).sum().backward()
    for name, leaf in leaves.items():
        assert leaf.grad.isfinite().all()
        assert leaf.grad[~batch[name].mask].eq(0).all()
        assert leaf.grad[batch[name].mask].abs().max() > 0


def test_dtype_follows_the_input(make):
    fusion, batch = make(), make_batch()
    double = {
        name: Nodes(nodes.x.double(), nodes.mask, nodes.item, nodes.index)
        for name, nodes in batch.items()
    }
    expected = fusion(batch).double()
    torch.testing.assert_close(fusion.double()(double), expected, atol=1e-4, rtol=1e-4)


def test_state_dict_round_trip(make):
    one, other, batch = make(seed=0), make(seed=1), make_batch()
    expected = one(batch)
    assert not torch.equal(other(batch), expected)
    other.load_state_dict(one.state_dict())
    assert torch.equal(other(batch), expected)


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
