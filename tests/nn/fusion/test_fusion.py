"""One contract for all fusions."""

import importlib
import pkgutil
import re

import pytest
import torch
from torch_geometric.nn import SAGEConv

import mmgraph.nn.fusion
from mmgraph.nn.fusion import ConcatFusion, Fusion, GraphFusion, WeightedSumFusion
from mmgraph.nn.fusion.graph import default_relations
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, Grid

CHANNELS = 8
MODALITIES = {"image": {"beside": Grid(2, 2)}, "text": {"next": Chain()}, "audio": {}}


def graph_fusion(**options):
    return lambda: GraphFusion(MODALITIES, CHANNELS, **options)


FUSIONS = {
    "concat": lambda: ConcatFusion(list(MODALITIES), CHANNELS),
    "concat mean": lambda: ConcatFusion(list(MODALITIES), CHANNELS, readout="mean"),
    "weighted sum": lambda: WeightedSumFusion(list(MODALITIES), CHANNELS),
    "graph": graph_fusion(),
    "graph sparse": graph_fusion(execution="sparse"),
    "graph global": graph_fusion(global_node=True),
    "graph set2set": graph_fusion(readout="set2set"),
    "graph sage": graph_fusion(conv=SAGEConv, num_layers=1),
}

#: A softmax ignores a constant, and everything when there is one neighbour only.
UNTRAINABLE = re.compile(r"lin_key\.bias|global__to__\w+\.lin_(key|query)")


@pytest.fixture(params=FUSIONS.values(), ids=FUSIONS)
def fusion(request):
    torch.manual_seed(0)
    return request.param().eval()


def make_nodes(lengths):
    """Nodes with lengths[sample] = [length of each item]."""
    rows = [
        (sample, item, index)
        for sample, items in enumerate(lengths)
        for item, length in enumerate(items)
        for index in range(length)
    ]
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    x = torch.randn(len(rows), CHANNELS)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


def make_batch():
    """Samples with all modalities, each one missing, and none at all."""
    torch.manual_seed(1)
    return {
        "image": make_nodes([[4, 4], [], [4], [4], []]),
        "text": make_nodes([[3], [2, 4], [], [5], []]),
        "audio": make_nodes([[2], [6], [3], [], []]),
    }


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


def test_shape(fusion):
    result = fusion(make_batch())
    assert result.shape == (5, fusion.out_channels)
    assert result.isfinite().all()


def test_sample_alone_is_the_sample_in_a_batch(fusion):
    batch = make_batch()
    together = fusion(batch)
    for number in range(5):
        alone = fusion({name: of_sample(nodes, number) for name, nodes in batch.items()})
        torch.testing.assert_close(alone[0], together[number], atol=1e-5, rtol=1e-5)


def test_order_of_nodes_does_not_matter(fusion):
    batch = make_batch()
    other = {name: shuffled(nodes) for name, nodes in batch.items()}
    assert not torch.equal(other["text"].x, batch["text"].x)
    torch.testing.assert_close(fusion(other), fusion(batch), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("missing", [["image"], ["text"], ["audio"], list(MODALITIES)], ids=str)
def test_modality_missing_in_the_whole_batch(fusion, missing):
    nowhere = dict.fromkeys(missing, make_nodes([[], [], [], [], []]))
    batch = {**make_batch(), **nowhere}
    result = fusion.train()(batch)
    assert result.isfinite().all()
    result.square().sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_every_parameter_is_trained(fusion):
    torch.manual_seed(0)
    batch = {name: nodes.with_x(nodes.x.requires_grad_()) for name, nodes in make_batch().items()}
    result = fusion(batch)
    (result * torch.randn_like(result)).sum().backward()
    for name, parameter in fusion.named_parameters():
        assert parameter.grad.isfinite().all(), name
        if not UNTRAINABLE.search(name):
            assert parameter.grad.abs().max() > 0, name


def test_gradients_of_nodes_are_finite(fusion):
    batch = make_batch()
    leaves = {name: nodes.x.clone().requires_grad_() for name, nodes in batch.items()}
    fusion({name: nodes.with_x(leaves[name]) for name, nodes in batch.items()}).sum().backward()
    for name, leaf in leaves.items():
        assert leaf.grad.isfinite().all()
        assert leaf.grad[~batch[name].mask].eq(0).all()
        assert leaf.grad[batch[name].mask].abs().max() > 0


def test_state_dict_round_trip(fusion, request):
    other = FUSIONS[request.node.callspec.id]().eval()
    assert not torch.equal(other(make_batch()), fusion(make_batch()))
    other.load_state_dict(fusion.state_dict())
    assert torch.equal(other(make_batch()), fusion(make_batch()))


def test_lacking_modality_is_named(fusion):
    batch = make_batch()
    del batch["audio"]
    with pytest.raises(ValueError, match=r"\['audio', 'image', 'text'\], got \['image', 'text'\]"):
        fusion(batch)


def test_no_fusion_escapes_the_contract():
    for module in pkgutil.iter_modules(mmgraph.nn.fusion.__path__):
        importlib.import_module(f"mmgraph.nn.fusion.{module.name}")
    tested = {type(make()) for make in FUSIONS.values()}
    ours = {kind for kind in Fusion.__subclasses__() if kind.__module__.startswith("mmgraph.")}
    assert ours == tested
    assert {kind.__name__ for kind in ours} <= set(mmgraph.nn.fusion.__all__)


def test_weighted_sum_by_hand():
    fusion = WeightedSumFusion(["image", "text"], 1, readout="sum").eval()
    for lin in fusion.lins.values():
        torch.nn.init.ones_(lin.weight)
        torch.nn.init.zeros_(lin.bias)
    fusion.weight.data = torch.tensor([3.0, 1.0]).log()
    image = Nodes.from_flat(torch.tensor([[4.0]]), sample=torch.tensor([0]), batch_size=3)
    text = Nodes.from_flat(torch.tensor([[8.0], [2.0]]), sample=torch.tensor([0, 1]), batch_size=3)
    result = fusion({"image": image, "text": text})
    # Three quarters of 4 and one of 8; text alone; nothing.
    torch.testing.assert_close(result, torch.tensor([[5.0], [2.0], [0.0]]))


def test_relations_by_default():
    relations = default_relations(MODALITIES)
    assert relations["image", "beside", "image"] == Grid(2, 2)
    assert relations["audio", "to", "image"] == Complete()
    assert len(relations) == 2 + 6


def test_own_relations():
    only = {("text", "to", "image"): Complete()}
    fusion = GraphFusion(MODALITIES, CHANNELS, relations=only)
    graph = fusion.graph(make_batch())
    assert dict(graph.relations) == only
    assert fusion(make_batch()).shape == (5, CHANNELS)


def test_global_node_joins_all():
    graph = GraphFusion(MODALITIES, CHANNELS, global_node=True).graph(make_batch())
    assert graph.nodes["global"].mask.tolist() == [[True]] * 5
    edge_index = graph.edge_index_dict()["text", "to", "global"]
    assert edge_index[1].bincount(minlength=5).tolist() == [3, 6, 0, 5, 0]


@pytest.mark.parametrize(
    ("modalities", "relations", "message"),
    [
        ({"global": {}}, None, "global node"),
        ({"image": {}}, {("image", "to", "video"): Complete()}, "video"),
    ],
)
def test_bad_names(modalities, relations, message):
    with pytest.raises(ValueError, match=message):
        GraphFusion(modalities, CHANNELS, relations=relations)
