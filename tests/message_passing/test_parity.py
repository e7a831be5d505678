"""Dense forms compute PyG's outputs and gradients."""

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GINConv,
    GraphConv,
    SAGEConv,
    TransformerConv,
)

from mmgraph.graph.relations import Chain, Complete, Custom, EdgeList, Grid, WithPosition
from mmgraph.message_passing import fused
from mmgraph.message_passing.convs import gatv2 as dense_gatv2

CHANNELS = 8


def gat(**options):
    return lambda **more: GATConv(CHANNELS, 4, add_self_loops=False, **options, **more)


def gatv2(**options):
    return lambda: GATv2Conv(CHANNELS, 4, add_self_loops=False, **options)


def sage(**options):
    return lambda: SAGEConv(CHANNELS, 6, **options)


def graph(**options):
    return lambda: GraphConv(CHANNELS, 6, **options)


def transformer(**options):
    return lambda **more: TransformerConv(CHANNELS, 4, **options, **more)


def gin(*layers, **options):
    # Layers keep their weights and dtype, so that every test needs its own.
    return lambda: GINConv(nn.Sequential(nn.Linear(CHANNELS, 6), *deepcopy(layers)), **options)


#: With keywords for the features of edges.
FEATURED = {
    "transformer": transformer(),
    "transformer heads": transformer(heads=3),
    "transformer mean beta": transformer(heads=2, concat=False, beta=True),
    "gat": gat(),
    "gat heads": gat(heads=3, concat=False, negative_slope=0.1),
}
CONVS = {
    **FEATURED,
    "sage": sage(),
    "sage sum": sage(aggr="sum"),
    "sage max": sage(aggr="max"),
    "sage add, no root": sage(aggr="add", root_weight=False),
    "sage project": sage(project=True),
    "sage project, normalize": sage(project=True, normalize=True),
    "sage normalize, no root": sage(normalize=True, root_weight=False),
    "sage pair": lambda: SAGEConv((CHANNELS, CHANNELS), 6, bias=False),
    "graph": graph(),
    "graph mean": graph(aggr="mean"),
    "graph max, no bias": graph(aggr="max", bias=False),
    "gin": gin(),
    "gin eps, two layers": gin(nn.ReLU(), nn.Linear(6, 5), eps=0.3, train_eps=True),
    "gin max": gin(aggr="max"),
    "gin mean": gin(aggr="mean"),
    "transformer mean": transformer(heads=3, concat=False),
    "transformer beta": transformer(heads=2, beta=True),
    "transformer no root": transformer(heads=2, root_weight=False, bias=False),
    "transformer sum": transformer(aggr="sum"),
    "gat mean, no bias": gat(heads=3, concat=False, bias=False),
    "gat residual": gat(heads=2, residual=True),
    "gat pair": lambda: GATConv((CHANNELS, CHANNELS), 4, 2, add_self_loops=False),
    "gatv2": gatv2(),
    "gatv2 heads": gatv2(heads=3, negative_slope=0.1),
    "gatv2 mean": gatv2(heads=3, concat=False, residual=True),
    "gatv2 shared": gatv2(heads=2, share_weights=True, bias=False),
}
every_conv = pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
featured_conv = pytest.mark.parametrize("make", FEATURED.values(), ids=FEATURED)

#: Items and their lengths of each sample, of source and target.
BATCHES = {
    "ragged": ([[4], [2, 4], [], [1], []], [[3], [5], [2], [], []]),
    "single sample": ([[3]], [[2]]),
    "one empty sample": ([[]], [[]]),
    "no sources": ([[], []], [[2], [3]]),
    "no targets": ([[2], [3]], [[], []]),
}
#: Three edges, and targets that receive nothing.
LISTED = torch.tensor([0, 1, 1]), torch.tensor([0, 2, 3]), torch.tensor([1, 0, 0])


@pytest.fixture
def assert_parity(run, compare):
    def check(conv, relation, source, target, featured=False):
        together = source is target

        def dense(source, target=None):
            target = source if together else target
            return [run(conv, relation, source, target, featured=featured)]

        def sparse(source, target=None):
            target = source if together else target
            attributes = {"edge_attr": relation.edge_attr(source, target)} if featured else {}
            edge_index = relation.edge_index(source, target)
            return [conv((source.flat(), target.flat()), edge_index, **attributes)]

        compare(conv, [source] if together else [source, target], dense, sparse)

    torch.manual_seed(0)
    return check


@pytest.mark.parametrize("batch", BATCHES)
@every_conv
def test_across_types(make, batch, make_nodes, assert_parity):
    source, target = map(make_nodes, BATCHES[batch])
    assert_parity(make().double(), Complete(), source, target)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("relation", [Complete(), Complete("item", loops=False)], ids=repr)
@pytest.mark.parametrize("make", [gat(heads=3), gatv2(heads=3)], ids=["gat", "gatv2"])
def test_many_neighbours(make, relation, dtype, compiled, make_nodes, assert_parity, monkeypatch):
    """More than kernels take at once, and what takes their place without a compiler."""
    if not compiled:
        monkeypatch.setattr(fused, "_kernels", lambda: None)
    nodes = make_nodes([[9, 4], [7], [], [1]], dtype)
    assert_parity(make().to(dtype), relation, nodes, nodes)


@pytest.mark.parametrize(
    "relation", [Complete(), Complete(loops=False), Complete("item")], ids=repr
)
@pytest.mark.parametrize("at_once", [1, 40, 150])
def test_a_few_pairs_at_a_time(relation, at_once, make_nodes, assert_parity, monkeypatch):
    """Whatever part of the pairs fits the cache."""
    monkeypatch.setattr(fused, "_kernels", lambda: None)
    monkeypatch.setattr(dense_gatv2, "_AT_ONCE", at_once)
    nodes = make_nodes([[2, 3], [], [1, 4], [5]])
    assert_parity(gatv2(heads=3)().double(), relation, nodes, nodes)


@every_conv
def test_single_precision(make, make_nodes, assert_parity):
    source, target = (make_nodes(lengths, torch.float32) for lengths in BATCHES["ragged"])
    assert_parity(make(), Complete(), source, target)


@pytest.mark.parametrize(
    "relation",
    [
        Grid(2, 2),
        Grid(2, 2, 8),
        Chain(2),
        Complete(loops=False),
        Complete("item"),
        Custom(lambda source, target: source.index.unsqueeze(1) == 0),
    ],
    # Not of a function, whose address is another one in each process.
    ids=lambda relation: "Custom" if isinstance(relation, Custom) else repr(relation),
)
@every_conv
def test_within_a_type(make, relation, make_nodes, assert_parity):
    nodes = make_nodes([[4], [4, 3], [], [1]])
    assert_parity(make().double(), relation, nodes, nodes)


STENCILS = [
    (Grid(3, 3), [[9, 9], [], [9]]),
    (Grid(6, 4, 8), [[24], []]),
    (Grid(9, 1, 4), [[9], [9]]),
    (Grid(9, 2, 8), [[18], [18]]),
    (Chain(2), [[7, 3], [12], [1]]),
    (Chain(1, "forward"), [[5], [2]]),
]


@pytest.mark.parametrize(("relation", "items"), STENCILS, ids=repr)
@every_conv
def test_stencils(make, relation, items, make_nodes, assert_parity):
    nodes = make_nodes(items)
    assert relation.stencil(nodes, nodes) is not None
    assert_parity(make().double(), relation, nodes, nodes)


@every_conv
def test_few_edges(make, make_nodes, assert_parity):
    source, target = (make_nodes(lengths) for lengths in ([[3], [4]], [[2], [1]]))
    assert_parity(make().double(), EdgeList(*LISTED), source, target)


@pytest.mark.parametrize(
    ("relation", "items"),
    [
        (WithPosition(Grid(3, 3)), [[9, 9], [], [9]]),
        (WithPosition(Chain(2)), [[7, 3], [12], [1]]),
        (WithPosition(Complete("item"), distance=4), [[3, 2], [], [4]]),
        (WithPosition(Complete(loops=False), distance=4), [[3], [1], []]),
    ],
    ids=repr,
)
@featured_conv
def test_features_of_edges(make, relation, items, make_nodes, assert_parity):
    nodes = make_nodes(items)
    conv = make(edge_dim=relation.edge_dim).double()
    assert_parity(conv, relation, nodes, nodes, featured=True)


@featured_conv
def test_features_of_edges_across_types(make, make_nodes, assert_parity):
    source, target = (make_nodes(lengths) for lengths in ([[3], [4], []], [[2], [1], [3]]))
    features = torch.randn(3, 5, dtype=torch.float64)
    assert_parity(
        make(edge_dim=5).double(), EdgeList(*LISTED, features), source, target, featured=True
    )
    one = Custom(
        lambda source, target: torch.ones(1, 1, 1, dtype=torch.bool),
        lambda source, target: features[:1, None, None],
        edge_dim=5,
    )
    assert_parity(make(edge_dim=5).double(), one, source, target, featured=True)


def test_batch_norm_sees_real_nodes_only(make_nodes, assert_parity):
    source, target = map(make_nodes, BATCHES["ragged"])
    assert_parity(gin(nn.BatchNorm1d(6))().double(), Complete(), source, target)


@every_conv
def test_half_precision_stays_finite(make, make_nodes, run):
    source, target = (make_nodes(lengths, torch.bfloat16) for lengths in BATCHES["ragged"])
    result = run(make().bfloat16(), Complete(), source, target)
    assert result.dtype == torch.bfloat16
    assert result.isfinite().all()


@pytest.mark.parametrize("relation", [Complete(), Chain()], ids=repr)
@pytest.mark.parametrize("make", [transformer(heads=2, dropout=0.5), gat(dropout=0.5)])
def test_dropout_only_in_training(make, relation, make_nodes, run, assert_parity):
    nodes = make_nodes([[9], [4]])
    conv = make().double()
    first, second = (run(conv, relation, nodes, nodes) for _ in range(2))
    assert not torch.equal(first, second)
    assert_parity(conv.eval(), relation, nodes, nodes)


@pytest.mark.parametrize("relation", [Complete(), Chain()], ids=repr)
@pytest.mark.parametrize("make", [transformer, gat, gatv2])
def test_dropout_has_pygs_mean(make, relation, make_nodes, run):
    torch.manual_seed(0)
    nodes, conv = make_nodes([[6]] * 1500), make(dropout=0.5)().double()
    nodes = nodes.with_x(nodes.x[:1].expand_as(nodes.x))
    mean = run(conv, relation, nodes, nodes).view(1500, 6, -1).mean(0)
    wanted = run(conv.eval(), relation, nodes, nodes)[:6]
    torch.testing.assert_close(mean, wanted, atol=0.15, rtol=0)


def test_gatv2_by_hand(make_nodes, run):
    conv = GATv2Conv(1, 1, add_self_loops=False, bias=False)
    for weight, value in ((conv.lin_l.weight, 1.0), (conv.lin_r.weight, 2.0), (conv.att, -1.0)):
        nn.init.constant_(weight, value)
    source, target = (make_nodes(lengths, torch.float32) for lengths in ([[2]], [[1]]))
    source = source.with_x(torch.tensor([[[1.0], [-3.0]]]))
    # Logits -LeakyReLU(1 + 1) = -2 and -LeakyReLU(-3 + 1) = 0.4.
    share = torch.tensor([-2.0, 0.4]).softmax(0)
    wanted = share @ torch.tensor([1.0, -3.0])
    result = run(conv, Complete(), source, target.with_x(torch.tensor([[[0.5]]])))
    assert result.item() == pytest.approx(wanted.item(), abs=1e-6)


def test_features_of_edges_by_hand(make_nodes, run):
    conv = TransformerConv(1, 1, edge_dim=1, root_weight=False)
    for weight in conv.parameters():
        nn.init.constant_(weight, 0.0)
    nn.init.constant_(conv.lin_query.bias, 1.0)
    nn.init.constant_(conv.lin_edge.weight, 2.0)
    nodes = make_nodes([[3]], torch.float32)
    nodes = nodes.with_x(nodes.x[:, :, :1])
    relation = WithPosition(Chain(2))
    # Keys and values are 2 e with e = 0.5 and 1, 0.5 and -0.5, -1 and -0.5.
    received = 2 * torch.tensor([[0.5, 1.0], [0.5, -0.5], [-1.0, -0.5]])
    wanted = (received.softmax(1) * received).sum(1)
    result = run(conv, relation, nodes, nodes, featured=True).squeeze(1)
    torch.testing.assert_close(result, wanted)
