import pytest
import torch
from torch import nn
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GeneralConv,
    GINConv,
    GINEConv,
    GraphConv,
    HANConv,
    HGTConv,
    LEConv,
    SAGEConv,
    TransformerConv,
)

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Chain, Complete, Grid, Nearest, WithPosition
from mmgraph.message_passing.convs.names import transformer_conv
from mmgraph.message_passing.gnn import HeteroGNN

CHANNELS = 8
RELATIONS = {
    ("image", "beside", "image"): Grid(3, 3),
    ("text", "next", "text"): Chain(),
    ("image", "to", "text"): Complete(),
    ("text", "to", "image"): Complete(),
}
DENSE = {
    "sage": SAGEConv,
    "graph": GraphConv,
    "gin": lambda a, b: GINConv(nn.Linear(a, b)),
    "transformer": lambda a, b: TransformerConv(a, b // 2, heads=2, beta=True),
    "gat": lambda a, b: GATConv(a, b // 2, heads=2, add_self_loops=False),
    "gatv2": lambda a, b: GATv2Conv(a, b // 2, heads=2, add_self_loops=False),
    "lazy": lambda a, b: TransformerConv(-1, b // 2, heads=2),
    "hgt": lambda a, b, metadata: HGTConv(a, b, metadata, heads=2),
    "lazy hgt": lambda a, b, metadata: HGTConv(-1, b, metadata),
}
SPARSE = {
    "general": lambda a, b: GeneralConv((a, a), b),
    "le": LEConv,
    "gat of a subclass": lambda a, b: OwnGATv2(a, b // 2, heads=2, add_self_loops=False),
    "han": lambda a, b, metadata: HANConv(a, b, metadata, heads=2),
}
ATTENTION = ["transformer", "gat", "gatv2", "hgt"]


class OwnGATv2(GATv2Conv):
    pass


def make_nodes(lengths, channels=CHANNELS):
    sample = torch.repeat_interleave(torch.tensor(lengths))
    x = torch.randn(len(sample), channels)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths))


def make_graph(images, texts):
    torch.manual_seed(0)
    return MultimodalGraph({"image": make_nodes(images), "text": make_nodes(texts)}, RELATIONS)


BATCHES = [([9, 9, 0, 0], [3, 0, 5, 0]), ([0, 0], [2, 3]), ([9], [0]), ([0], [0])]


def make_gnn(relations=RELATIONS, **options):
    torch.manual_seed(1)
    edge_dims = {kind: relation.edge_dim for kind, relation in relations.items()}
    return HeteroGNN(CHANNELS, list(relations), edge_dims=edge_dims, **options)


def outcome(gnn, graph):
    """Outputs and gradients in float64."""
    gnn, leaves = gnn.double(), {k: x.double().requires_grad_() for k, x in graph.x_dict.items()}
    result = gnn(graph.with_x(leaves))
    sum(x.square().sum() for x in result.x_dict.values()).backward()
    gradients = {k: x.grad for k, x in leaves.items()}
    for name, weight in gnn.named_parameters():
        assert weight.grad is None or weight.grad.isfinite().all()
        gradients[name] = torch.zeros_like(weight) if weight.grad is None else weight.grad
    return {**{f"new {k}": x.detach() for k, x in result.x_dict.items()}, **gradients}


def assert_executions_agree(graph, **options):
    results = [
        outcome(make_gnn(graph.relations, execution=execution, **options), graph)
        for execution in ("dense", "sparse", "auto")
    ]
    for name, wanted in results[1].items():
        scale = max(1.0, float(wanted.abs().max()) if wanted.numel() else 0)
        for other in (results[0][name], results[2][name]):
            torch.testing.assert_close(other, wanted, atol=1e-10 * scale, rtol=0)


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("conv", DENSE.values(), ids=DENSE)
def test_dense_and_sparse_agree(conv, batch):
    assert_executions_agree(make_graph(*batch), conv=conv)


@pytest.mark.parametrize(
    "conv", [DENSE[name] for name in ("sage", "transformer", "hgt")], ids=lambda _: ""
)
def test_executions_agree_where_edges_follow_features(conv):
    nodes = make_graph([9, 5, 0], [3, 4, 2]).nodes
    relations = {
        ("image", "like", "image"): Nearest(2),
        ("text", "first", "text"): Nearest(2, fixed=True),
        ("image", "to", "text"): Nearest(3),
    }
    assert_executions_agree(MultimodalGraph(nodes, relations), conv=conv, num_layers=3)


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("conv", SPARSE.values(), ids=SPARSE)
def test_any_pyg_convolution(conv, batch):
    graph = make_graph(*batch)
    gnn = make_gnn(conv=conv)
    result = gnn(graph)
    sum(x.sum() for x in result.x_dict.values()).backward()
    for name, nodes in result.nodes.items():
        assert nodes.x.shape == graph.nodes[name].x.shape
        assert nodes.x.isfinite().all()
        assert nodes.x[~nodes.mask].eq(0).all()
    assert all(p.grad.isfinite().all() for p in gnn.parameters() if p.grad is not None)
    with pytest.raises(ValueError, match="no dense form"):
        make_gnn(conv=conv, execution="dense")
    listed = make_gnn(conv=conv, execution="sparse")(graph)
    for name, x in result.x_dict.items():
        assert torch.equal(x, listed.nodes[name].x)


def test_layer_by_hand():
    edge_type = ("text", "next", "text")
    gnn = HeteroGNN(2, [edge_type], conv=lambda a, b: SAGEConv(a, b, bias=False), num_layers=1)
    conv = gnn.layers[0].conv(edge_type)
    torch.nn.init.eye_(conv.lin_l.weight)
    torch.nn.init.zeros_(conv.lin_r.weight)
    x = torch.tensor([[1.0, 3.0], [5.0, 2.0]])
    nodes = Nodes.from_flat(x, sample=torch.tensor([0, 0]), batch_size=1)
    result = gnn(MultimodalGraph({"text": nodes}, {edge_type: Chain()})).nodes["text"].x[0]
    # Normed rows are (-1, 1) and (1, -1); each receives messages from the other one.
    received = torch.nn.functional.gelu(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    torch.testing.assert_close(result, x + received, atol=1e-4, rtol=0)


def test_types_that_hear_nothing_keep_their_features():
    graph = make_graph([9], [3])
    edge_types = {("image", "to", "text"): Complete()}
    graph = MultimodalGraph({**graph.nodes, "audio": make_nodes([2])}, edge_types)
    result = HeteroGNN(CHANNELS, list(edge_types))(graph)
    assert torch.equal(result.nodes["image"].x, graph.nodes["image"].x)
    assert torch.equal(result.nodes["audio"].x, graph.nodes["audio"].x)
    assert not torch.equal(result.nodes["text"].x, graph.nodes["text"].x)


def test_dropout_drops_a_channel_for_all_nodes_of_a_sample():
    graph = make_graph([9, 9], [3, 2])
    gnn = make_gnn(num_layers=1, dropout=0.5)
    update = gnn(graph).nodes["image"].x - graph.nodes["image"].x
    dropped = update.abs() < 1e-7
    assert torch.equal(dropped.any(1), dropped.all(1))
    assert 0 < dropped.float().mean() < 1
    gnn.eval()
    assert torch.equal(gnn(graph).nodes["image"].x, gnn(graph).nodes["image"].x)


def test_state_dict_is_the_same_for_all_executions():
    make_gnn(execution="dense").load_state_dict(make_gnn(execution="sparse").state_dict())


def test_edges_are_listed_once_for_all_layers(monkeypatch):
    calls = []
    own = Grid.edge_index
    monkeypatch.setattr(Grid, "edge_index", lambda *args: calls.append(0) or own(*args))
    make_gnn(num_layers=3, execution="sparse")(make_graph([9], [3]))
    assert len(calls) == 1


def test_self_loops_between_types_are_refused():
    with pytest.raises(ValueError, match="add_self_loops=False"):
        make_gnn(conv=GATConv)


def test_other_edge_types_are_refused():
    graph = make_graph([9], [3])
    with pytest.raises(ValueError, match="expected edge types"):
        make_gnn()(MultimodalGraph(graph.nodes, {}))


def test_default_convolution_needs_a_multiple_of_four():
    with pytest.raises(ValueError, match="multiple of 4"):
        HeteroGNN(6, list(RELATIONS))


def followed(**options):
    """Return a graph whose text nodes are joined to the most similar ones, and a network for it."""
    torch.manual_seed(0)
    kind = ("text", "like", "text")
    graph = MultimodalGraph({"text": make_nodes([6, 4, 0])}, {kind: Nearest(2, **options)})
    return graph, HeteroGNN(CHANNELS, [kind], num_layers=2, conv=SAGEConv)


def test_edges_that_follow_the_features_are_found_anew_in_each_layer():
    graph, gnn = followed()
    seen = []

    class Watched(Nearest):
        def joins(self, source, target):
            seen.append(source.x.clone())
            return super().joins(source, target)

    watched = MultimodalGraph(graph.nodes, {("text", "like", "text"): Watched(2)})
    gnn(watched)
    assert len(seen) == 2
    assert torch.equal(seen[0], graph.nodes["text"].x)
    assert not torch.equal(seen[1], seen[0])
    fixed, _ = followed(fixed=True)
    assert not torch.equal(gnn(graph).nodes["text"].x, gnn(fixed).nodes["text"].x)


def test_edges_that_follow_the_features_are_the_same_in_both_executions():
    graph, gnn = followed()
    dense = gnn(graph).nodes["text"].x
    gnn.execution = "sparse"
    torch.testing.assert_close(gnn(graph).nodes["text"].x, dense)


def test_edge_features_are_heard_and_their_weights_trained():
    kind = ("text", "next", "text")
    torch.manual_seed(0)
    nodes = {"text": make_nodes([5, 3])}
    graph = MultimodalGraph(nodes, {kind: WithPosition(Chain(2))})
    gnn = HeteroGNN(CHANNELS, [kind], edge_dims={kind: 1})
    with_positions = gnn(graph).nodes["text"].x
    with_positions.square().sum().backward()
    weight = gnn.layers[0].conv(kind).lin_edge.weight
    assert weight.grad.abs().max() > 0
    with torch.no_grad():
        weight.zero_()
        gnn.layers[1].conv(kind).lin_edge.weight.zero_()
    assert not torch.allclose(gnn(graph).nodes["text"].x, with_positions)
    with pytest.raises(ValueError, match=r"1 features of each edge.*TransformerConv"):
        HeteroGNN(CHANNELS, [kind], edge_dims={kind: 1}, conv=SAGEConv)
    with pytest.raises(ValueError, match=r"1 features of each edge.*TransformerConv"):
        HeteroGNN(CHANNELS, [kind], edge_dims={kind: 1}, conv=HGTConv)


def positioned():
    grid, chain = WithPosition(Grid(3, 3)), WithPosition(Chain())
    return {**RELATIONS, ("image", "beside", "image"): grid, ("text", "next", "text"): chain}


@pytest.mark.parametrize(
    "conv",
    [
        lambda a, b, edge_dim=None: TransformerConv(a, b // 2, heads=2, edge_dim=edge_dim),
        lambda a, b, edge_dim=None: GATConv(a, b, edge_dim=edge_dim, add_self_loops=False),
    ],
)
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_features_of_edges(conv, batch):
    graph = MultimodalGraph(make_graph(*batch).nodes, positioned())
    assert_executions_agree(graph, conv=conv)


def test_features_of_edges_by_sparse_code():
    graph = MultimodalGraph(make_graph([9], [3]).nodes, positioned())

    def conv(a, b, edge_dim=0):
        layer = nn.Linear(a, b)
        return GINEConv(layer, edge_dim=edge_dim) if edge_dim else GINConv(layer)

    gnn = make_gnn(graph.relations, conv=conv)
    sum(x.sum() for x in gnn(graph).x_dict.values()).backward()
    beside = gnn.layers[0].conv(("image", "beside", "image"))
    assert isinstance(beside, GINEConv)
    assert beside.lin.weight.grad.abs().sum() > 0


def test_features_nobody_has_are_refused():
    with pytest.raises(ValueError, match="expects edge_dim=2, but these edges have no features"):
        make_gnn(conv=lambda a, b: TransformerConv(a, b, edge_dim=2))


def test_another_number_of_features_is_refused():
    gnn, graph = make_gnn(positioned()), make_graph([9], [3])
    with pytest.raises(ValueError, match="expected 2 features of each edge, got 0"):
        gnn(graph)


@pytest.mark.parametrize(
    ("conv", "relations"),
    [*((DENSE[name], RELATIONS) for name in ATTENTION), (transformer_conv, positioned())],
    ids=[*ATTENTION, "edge features"],
)
@pytest.mark.parametrize("batch", BATCHES, ids=str)
def test_attention_is_the_same_in_both_executions(batch, conv, relations):
    graph = MultimodalGraph(make_graph(*batch).nodes, relations)
    dense, sparse = (
        make_gnn(relations, conv=conv, execution=execution, dropout=0.5).attention(graph)
        for execution in ("dense", "sparse")
    )
    assert len(dense) == len(sparse) == 2 * len(relations)
    edge_index = graph.edge_index_dict()
    wanted = {(each.layer, each.edge_type): each for each in sparse}
    for each in dense:
        other = wanted[each.layer, each.edge_type]
        assert torch.equal(each.edge_index, edge_index[each.edge_type])
        assert torch.equal(other.edge_index, edge_index[each.edge_type])
        torch.testing.assert_close(each.weight, other.weight, atol=1e-5, rtol=0)


@pytest.mark.parametrize("conv", ATTENTION)
def test_attention_sums_to_one_for_every_node_that_hears(conv):
    graph = make_graph([9, 9, 0], [3, 0, 5])
    total = {}
    for each in make_gnn(conv=DENSE[conv]).attention(graph):
        receives = each.edge_index[1]
        key = (each.layer, each.edge_type[2] if conv == "hgt" else each.edge_type)
        count = int(graph.nodes[each.edge_type[2]].mask.sum())
        sums = total.setdefault(key, torch.zeros(count, 2))
        sums.index_add_(0, receives, each.weight)
    for sums in total.values():
        one = torch.ones_like(sums)
        torch.testing.assert_close(sums, torch.where(sums == 0, sums, one))
        assert (sums > 0).any()


def test_attention_by_hand():
    kind = ("text", "next", "text")
    gnn = HeteroGNN(2, [kind], conv=lambda a, b: TransformerConv(a, b), num_layers=1)
    conv = gnn.layers[0].conv(kind)
    for weight in conv.parameters():
        nn.init.zeros_(weight)
    nn.init.eye_(conv.lin_key.weight)
    nn.init.constant_(conv.lin_query.bias, 2**0.5)
    x = torch.tensor([[0.0, 5.0], [5.0, 0.0], [1.0, 9.0]])
    nodes = Nodes.from_flat(x, sample=torch.zeros(3).long(), batch_size=1)
    weighted = gnn.attention(MultimodalGraph({"text": nodes}, {kind: Chain()}))[0]
    # Keys are normed rows (-1, 1), (1, -1), (-1, 1), all orthogonal to the query (1, 1).
    assert weighted.edge_index.tolist() == [[1, 0, 2, 1], [0, 1, 1, 2]]
    torch.testing.assert_close(weighted.weight[:, 0], torch.tensor([1.0, 0.5, 0.5, 1.0]))


def test_attention_has_no_dropout_and_leaves_the_mode():
    graph = make_graph([9], [3])
    gnn = make_gnn(conv=lambda a, b: TransformerConv(a, b, dropout=0.5), dropout=0.5)
    gnn.layers[0].eval()
    first, second = gnn.attention(graph), gnn.attention(graph)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.weight, other.weight)
    assert gnn.training
    assert gnn.layers[1].training
    assert not gnn.layers[0].training


def test_attention_of_convolutions_without_any_is_refused():
    with pytest.raises(ValueError, match="expected a convolution with attention"):
        make_gnn(conv=SAGEConv).attention(make_graph([9], [3]))


def test_attention_of_pygs_own_code():
    graph = make_graph([9], [3])
    weights = make_gnn(conv=SPARSE["gat of a subclass"]).attention(graph)
    wanted = make_gnn(conv=DENSE["gatv2"]).attention(graph)
    by_type = {(each.layer, each.edge_type): each for each in weights}
    for each in wanted:
        other = by_type[each.layer, each.edge_type]
        assert torch.equal(each.edge_index, other.edge_index)
        torch.testing.assert_close(each.weight, other.weight)
