import pytest
import torch
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GeneralConv,
    GINConv,
    GraphConv,
    LEConv,
    SAGEConv,
    TransformerConv,
)

from mmgraph.graph import MultimodalGraph
from mmgraph.nn.gnn import HeteroGNN
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, Grid, Nearest, WithPosition

CHANNELS = 8
RELATIONS = {
    ("image", "beside", "image"): Grid(2, 2),
    ("text", "next", "text"): Chain(),
    ("image", "to", "text"): Complete(),
    ("text", "to", "image"): Complete(),
}
DENSE = {
    "sage": SAGEConv,
    "transformer": lambda a, b: TransformerConv(a, b // 2, heads=2, beta=True),
    "gat": lambda a, b: GATConv(a, b // 2, heads=2, add_self_loops=False),
    "gatv2": lambda a, b: GATv2Conv(a, b // 2, heads=2, add_self_loops=False),
}
SPARSE = {
    "gin": lambda a, b: GINConv(torch.nn.Linear(a, b)),
    "graph": GraphConv,
    "general": lambda a, b: GeneralConv((a, a), b),
    "le": LEConv,
}


def make_nodes(lengths, channels=CHANNELS):
    sample = torch.repeat_interleave(torch.tensor(lengths))
    x = torch.randn(len(sample), channels)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths))


def make_graph(images, texts):
    torch.manual_seed(0)
    return MultimodalGraph({"image": make_nodes(images), "text": make_nodes(texts)}, RELATIONS)


BATCHES = [([4, 4, 0, 0], [3, 0, 5, 0]), ([0, 0], [2, 3]), ([4], [0]), ([0], [0])]


def make_gnn(**options):
    torch.manual_seed(1)
    return HeteroGNN(CHANNELS, list(RELATIONS), **options)


@pytest.mark.parametrize("batch", BATCHES, ids=str)
@pytest.mark.parametrize("conv", DENSE.values(), ids=DENSE)
def test_dense_and_sparse_agree(conv, batch):
    results = {}
    for execution in ("dense", "sparse", "auto"):
        gnn, graph = make_gnn(conv=conv, execution=execution), make_graph(*batch)
        result = gnn(graph)
        sum(x.square().sum() for x in result.x_dict.values()).backward()
        gradients = [p.grad for p in gnn.parameters()]
        assert all(g is not None and g.isfinite().all() for g in gradients)
        results[execution] = [*result.x_dict.values(), *gradients]
    for execution in ("dense", "auto"):
        for one, other in zip(results[execution], results["sparse"], strict=True):
            torch.testing.assert_close(one, other, atol=2e-5, rtol=1e-5)


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


def test_layer_by_hand():
    edge_type = ("text", "next", "text")
    gnn = HeteroGNN(2, [edge_type], conv=lambda a, b: SAGEConv(a, b, bias=False), num_layers=1)
    conv = gnn.layers[0].conv(edge_type)
    torch.nn.init.eye_(conv.lin_l.weight)
    torch.nn.init.zeros_(conv.lin_r.weight)
    x = torch.tensor([[1.0, 3.0], [5.0, 2.0]])
    nodes = Nodes.from_flat(x, sample=torch.tensor([0, 0]), batch_size=1)
    result = gnn(MultimodalGraph({"text": nodes}, {edge_type: Chain()})).nodes["text"].x[0]
    # Normed rows are (-1, 1) and (1, -1); each hears the other one.
    heard = torch.nn.functional.gelu(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    torch.testing.assert_close(result, x + heard, atol=1e-4, rtol=0)


def test_types_that_hear_nothing_keep_their_features():
    graph = make_graph([4], [3])
    edge_types = {("image", "to", "text"): Complete()}
    graph = MultimodalGraph({**graph.nodes, "audio": make_nodes([2])}, edge_types)
    result = HeteroGNN(CHANNELS, list(edge_types))(graph)
    assert torch.equal(result.nodes["image"].x, graph.nodes["image"].x)
    assert torch.equal(result.nodes["audio"].x, graph.nodes["audio"].x)
    assert not torch.equal(result.nodes["text"].x, graph.nodes["text"].x)


def test_dropout_drops_a_channel_for_all_nodes_of_a_sample():
    graph = make_graph([4, 4], [3, 2])
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
    make_gnn(num_layers=3, execution="sparse")(make_graph([4], [3]))
    assert len(calls) == 1


def test_self_loops_between_types_are_refused():
    with pytest.raises(ValueError, match="add_self_loops=False"):
        make_gnn(conv=GATConv)


def test_other_edge_types_are_refused():
    graph = make_graph([4], [3])
    with pytest.raises(ValueError, match="expected edge types"):
        make_gnn()(MultimodalGraph(graph.nodes, {}))


def test_default_convolution_needs_a_multiple_of_four():
    with pytest.raises(ValueError, match="multiple of 4"):
        HeteroGNN(6, list(RELATIONS))


def followed(**options):
    """Return a graph whose text nodes hear those most similar, and a network for it."""
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
    with pytest.raises(ValueError, match="edge features"):
        HeteroGNN(CHANNELS, [kind], edge_dims={kind: 1}, execution="dense")
