"""Dense forms compute PyG's outputs and gradients."""

import pytest
import torch
from torch_geometric.nn import GATConv, GATv2Conv, GINConv, SAGEConv, TransformerConv

from mmgraph.execution import dense_form, run_dense, run_near, why_not_dense
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, EdgeList, Grid

CHANNELS = 8


def gat(**options):
    return lambda: GATConv(CHANNELS, 4, add_self_loops=False, **options)


def gatv2(**options):
    return lambda: GATv2Conv(CHANNELS, 4, add_self_loops=False, **options)


def sage(**options):
    return lambda: SAGEConv(CHANNELS, 6, **options)


def transformer(**options):
    return lambda: TransformerConv(CHANNELS, 4, **options)


CONVS = {
    "sage": sage(),
    "sage sum": sage(aggr="sum"),
    "sage max": sage(aggr="max"),
    "sage add, no root": sage(aggr="add", root_weight=False),
    "sage project, normalize": sage(project=True, normalize=True),
    "sage pair": lambda: SAGEConv((CHANNELS, CHANNELS), 6, bias=False),
    "transformer": transformer(),
    "transformer heads": transformer(heads=3),
    "transformer mean": transformer(heads=3, concat=False),
    "transformer beta": transformer(heads=2, beta=True),
    "transformer mean beta": transformer(heads=2, concat=False, beta=True),
    "transformer no root": transformer(heads=2, root_weight=False, bias=False),
    "gat": gat(),
    "gat heads": gat(heads=3, negative_slope=0.1),
    "gat mean, no bias": gat(heads=3, concat=False, bias=False),
    "gat pair": lambda: GATConv((CHANNELS, CHANNELS), 4, 2, add_self_loops=False),
    "gatv2": gatv2(),
    "gatv2 heads": gatv2(heads=3, negative_slope=0.1),
    "gatv2 mean": gatv2(heads=3, concat=False),
    "gatv2 shared": gatv2(heads=2, share_weights=True, bias=False),
}

#: Items and their lengths of each sample; sizes of source and target.
BATCHES = {
    "ragged": ([[4], [2, 4], [], [1], []], [[3], [5], [2], [], []]),
    "one empty sample": ([[]], [[]]),
    "no sources": ([[], []], [[2], [3]]),
    "no targets": ([[2], [3]], [[], []]),
}

OFFSETS = torch.tensor([0, 1, 1]), torch.tensor([0, 2, 3]), torch.tensor([1, 0, 0])


def make_nodes(lengths, dtype):
    rows = [
        (sample, item, index)
        for sample, items in enumerate(lengths)
        for item, length in enumerate(items)
        for index in range(length)
    ]
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    x = torch.randn(len(rows), CHANNELS, dtype=dtype)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


def outcome(conv, source, target, run):
    """Outputs on real nodes, and gradients of inputs and weights."""
    conv.zero_grad()
    source_x, target_x = (nodes.x.clone().requires_grad_() for nodes in (source, target))
    result = run(source.with_x(source_x), target.with_x(target_x))
    torch.manual_seed(7)
    (result * torch.randn_like(result)).sum().backward()
    leaves = {"source": source_x, "target": target_x, **dict(conv.named_parameters())}
    gradients = {
        name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        for name, leaf in leaves.items()
    }
    return {"output": result.detach(), **gradients}


def assert_parity(conv, relation, source, target):
    reach = relation.reach(source, target)
    edge_index = relation.edge_index(source, target)
    dense = outcome(
        conv, source, target, lambda s, t: run_dense(conv, s.x, t.x, reach)[target.mask]
    )
    sparse = outcome(conv, source, target, lambda s, t: conv((s.flat(), t.flat()), edge_index))
    assert_equal(dense, sparse)


def assert_equal(dense, sparse):
    relative = 1e-10 if dense["output"].dtype == torch.float64 else 1e-5
    for name, wanted in sparse.items():
        scale = max(1.0, float(wanted.abs().max()) if wanted.numel() else 0)
        torch.testing.assert_close(
            dense[name],
            wanted,
            rtol=0,
            atol=relative * scale,
            msg=lambda text, name=name: f"{name}: {text}",
        )


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_across_types(make, batch):
    torch.manual_seed(0)
    source, target = (make_nodes(lengths, torch.float64) for lengths in BATCHES[batch])
    assert_parity(make().double(), Complete(), source, target)


@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_single_precision(make):
    torch.manual_seed(0)
    source, target = (make_nodes(lengths, torch.float32) for lengths in BATCHES["ragged"])
    assert_parity(make(), Complete(), source, target)


@pytest.mark.parametrize(
    "relation",
    [Grid(2, 2), Grid(2, 2, 8), Chain(2), Complete(loops=False), Complete("item")],
    ids=repr,
)
@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_within_a_type(make, relation):
    torch.manual_seed(0)
    nodes = make_nodes([[4], [4, 3], [], [1]], torch.float64)
    assert_parity(make().double(), relation, nodes, nodes)


@pytest.mark.parametrize(
    ("relation", "items"),
    [(Grid(3, 3), [[9, 9], [], [9]]), (Grid(6, 4, 8), [[24], []]), (Chain(2), [[7, 3], [12], [1]])],
    ids=repr,
)
@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_stencils(make, relation, items):
    torch.manual_seed(0)
    nodes, conv = make_nodes(items, torch.float64), make().double()
    near, edge_index = relation.stencil(nodes, nodes), relation.edge_index(nodes, nodes)
    dense = outcome(conv, nodes, nodes, lambda s, t: run_near(conv, s.x, t.x, near)[nodes.mask])
    sparse = outcome(conv, nodes, nodes, lambda s, t: conv((s.flat(), t.flat()), edge_index))
    assert_equal(dense, sparse)


@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_few_edges(make):
    torch.manual_seed(0)
    source, target = (make_nodes(lengths, torch.float64) for lengths in ([[3], [4]], [[2], [1]]))
    assert_parity(make().double(), EdgeList(*OFFSETS), source, target)


@pytest.mark.parametrize("make", CONVS.values(), ids=CONVS)
def test_half_precision_stays_finite(make):
    source, target = (make_nodes(lengths, torch.bfloat16) for lengths in BATCHES["ragged"])
    conv = make().bfloat16()
    result = run_dense(conv, source.x, target.x, Complete().reach(source, target))
    assert result.dtype == torch.bfloat16
    assert result.isfinite().all()


@pytest.mark.parametrize("make", [transformer(heads=2, dropout=0.5), gat(dropout=0.5)])
def test_dropout_only_in_training(make):
    source, target = (make_nodes(lengths, torch.float32) for lengths in BATCHES["ragged"])
    conv, reach = make(), Complete().reach(source, target)
    first, second = (run_dense(conv, source.x, target.x, reach) for _ in range(2))
    assert not torch.equal(first, second)
    assert_parity(conv.eval(), Complete(), source, target)


def test_dropout_has_pygs_mean():
    torch.manual_seed(0)
    source, target = (make_nodes(lengths, torch.float32) for lengths in ([[6]], [[1]]))
    for make in (transformer, gat, gatv2):
        conv, reach = make(dropout=0.5)(), Complete().reach(source, target)
        copies = source.x.expand(4000, -1, -1), target.x.expand(4000, -1, -1)
        mean = run_dense(conv, *copies, reach.expand(4000, -1, -1)).mean(0)
        wanted = run_dense(conv.eval(), source.x, target.x, reach)[0]
        torch.testing.assert_close(mean, wanted, atol=0.1, rtol=0)


def test_gatv2_by_hand():
    conv = GATv2Conv(1, 1, add_self_loops=False, bias=False)
    for weight, value in ((conv.lin_l.weight, 1.0), (conv.lin_r.weight, 2.0), (conv.att, -1.0)):
        torch.nn.init.constant_(weight, value)
    source, target = torch.tensor([[[1.0], [-3.0]]]), torch.tensor([[[0.5]]])
    # Logits -LeakyReLU(1 + 1) = -2 and -LeakyReLU(-3 + 1) = 0.4.
    share = torch.tensor([-2.0, 0.4]).softmax(0)
    wanted = share @ torch.tensor([1.0, -3.0])
    result = run_dense(conv, source, target, torch.ones(1, 1, 2, dtype=torch.bool))
    assert result.item() == pytest.approx(wanted.item(), abs=1e-6)


class OwnSAGE(SAGEConv):
    pass


@pytest.mark.parametrize(
    ("conv", "reason"),
    [
        (GINConv(torch.nn.Linear(2, 2)), "GINConv has no dense form"),
        (OwnSAGE(2, 2), "OwnSAGE has no dense form"),
        (SAGEConv(2, 2, aggr="median"), "aggr='median'"),
        (GATConv(2, 2), "add_self_loops=True"),
        (GATv2Conv(2, 2), "add_self_loops=True"),
        (TransformerConv(2, 2, edge_dim=3), "edge_dim"),
        (TransformerConv(2, 2, aggr="mean"), "aggr='mean'"),
        (SAGEConv(2, 2, flow="target_to_source"), "flow"),
    ],
)
def test_says_why_not(conv, reason):
    assert dense_form(conv) is None
    assert reason in why_not_dense(conv)
    with pytest.raises(ValueError, match="cannot run densely"):
        run_dense(conv, torch.ones(1, 1, 2), torch.ones(1, 1, 2), torch.ones(1, 1, 1).bool())


def test_hooks_are_respected():
    conv = SAGEConv(2, 2)
    assert why_not_dense(conv) is None
    handle = conv.register_forward_hook(lambda *_: None)
    assert "hook" in why_not_dense(conv)
    handle.remove()
    conv.explain = True
    assert "explainer" in why_not_dense(conv)
