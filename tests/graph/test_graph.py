import subprocess
import sys

import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.nn import TransformerConv, global_mean_pool

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.relations import (
    Chain,
    Complete,
    EdgeList,
    Grid,
    Nearest,
    OtherItems,
    WithPosition,
)
from mmgraph.testing import random_nodes

EDGE_TYPES = {
    ("image", "beside", "image"): Grid(2, 2),
    ("text", "next", "text"): Chain(),
    ("image", "to", "text"): Complete(),
    ("text", "to", "image"): Complete(),
}


@pytest.fixture
def graph():
    images = random_nodes([[4], [4, 4], [], []], 3)
    texts = random_nodes([[3, 2], [], [1], []], 5)
    return MultimodalGraph({"image": images, "text": texts}, EDGE_TYPES)


def edge_sets(graph):
    return {
        name: sorted(map(tuple, edge_index.T.tolist()))
        for name, edge_index in graph.edge_index_dict().items()
    }


def assert_equal(one, other):
    assert list(one.nodes) == list(other.nodes)
    for name, nodes in one.nodes.items():
        for field in ("x", "mask", "item", "index"):
            assert torch.equal(getattr(nodes, field), getattr(other.nodes[name], field)), name
    assert edge_sets(one) == edge_sets(other)


def test_unknown_node_type_is_named(graph):
    with pytest.raises(ValueError, match=r"'audio'.*\['image', 'text'\]"):
        MultimodalGraph(graph.nodes, {("audio", "to", "text"): Complete()})


def test_batch_sizes_must_agree(graph):
    with pytest.raises(ValueError, match="'image': 4, 'text': 1"):
        MultimodalGraph({**graph.nodes, "text": random_nodes([[2]], 5)}, {})


def test_a_graph_needs_nodes():
    with pytest.raises(ValueError, match="at least one"):
        MultimodalGraph({}, {})


def test_hetero_data_is_laid_out_for_pyg(graph):
    data = graph.to_hetero_data()
    assert data.validate()
    assert data.num_graphs == 4
    assert data["image"].x.shape == (12, 3)
    assert data["text"].batch.tolist() == [0, 0, 0, 0, 0, 2]
    assert data["text"].ptr.tolist() == [0, 5, 5, 6, 6]
    pooled = global_mean_pool(data["text"].x, data["text"].batch, size=data.num_graphs)
    assert torch.allclose(pooled[0], graph.nodes["text"].x[0].mean(0))
    # 2 x 2 grids have 8 directed edges each; 4 images regions meet 5 tokens in sample 0 only.
    assert data["image", "beside", "image"].num_edges == 24
    assert data["image", "to", "text"].num_edges == 20


def test_hetero_data_round_trip(graph):
    back = MultimodalGraph.from_hetero_data(graph.to_hetero_data())
    assert_equal(back, graph)
    assert_equal(MultimodalGraph.from_hetero_data(back.to_hetero_data()), graph)


def test_modality_missing_everywhere_survives_the_round_trip():
    nodes = {"image": random_nodes([[], []], 3), "text": random_nodes([[2], []], 5)}
    graph = MultimodalGraph(nodes, EDGE_TYPES)
    data = graph.to_hetero_data()
    assert data.node_types == ["image", "text"]
    assert data["image"].num_nodes == 0
    assert_equal(MultimodalGraph.from_hetero_data(data), graph)


def test_pygs_own_batch_of_the_samples_is_the_same_graph(graph):
    samples = [graph.sample(number).to_hetero_data(batch=False) for number in range(4)]
    assert_equal(MultimodalGraph.from_hetero_data(Batch.from_data_list(samples)), graph)
    with pytest.raises(ValueError, match="single sample, got 4"):
        graph.to_hetero_data(batch=False)


def test_two_samples_need_their_batch():
    graph = MultimodalGraph({"text": random_nodes([[2], [1]], 5)}, {})
    with pytest.raises(ValueError, match="single sample, got 2"):
        graph.to_hetero_data(batch=False)


def test_other_features_leave_the_graph_as_it_was(graph):
    changed = graph.with_x({"text": graph.nodes["text"].x + 1})
    assert torch.equal(changed.nodes["image"].x, graph.nodes["image"].x)
    assert torch.equal(changed.nodes["text"].flat(), graph.nodes["text"].flat() + 1)
    assert not changed.nodes["text"].x[~changed.nodes["text"].mask].any()
    assert edge_sets(changed) == edge_sets(graph)


def test_single_hetero_data_needs_no_batch(graph):
    data = graph.sample(0).to_hetero_data(batch=False)
    for name in data.node_types:
        for field in ("item", "index"):
            del data[name][field]
    back = MultimodalGraph.from_hetero_data(data)
    assert back.batch_size == 1
    assert back.nodes["text"].index.tolist() == [[0, 1, 2, 3, 4]]
    assert edge_sets(back) == edge_sets(graph.sample(0))


@pytest.mark.parametrize("explicit", [False, True])
def test_sample_is_trimmed_and_keeps_its_edges(graph, explicit):
    if explicit:
        graph = MultimodalGraph.from_hetero_data(graph.to_hetero_data())
    alone = graph.sample(0)
    assert alone.nodes["image"].x.shape == (1, 4, 3)
    assert torch.equal(alone.nodes["text"].x, graph.nodes["text"].x[:1])
    # Rows of sample 0 come first, so they have the same numbers in both.
    for name, edges in edge_sets(alone).items():
        last = alone.ends(name)[0].mask.sum()
        assert edges == [edge for edge in edge_sets(graph)[name] if edge[0] < last]
    assert graph.sample(3).nodes["text"].x.shape == (1, 0, 5)


def test_sample_out_of_range(graph):
    with pytest.raises(IndexError, match="sample 4 of a batch of 4"):
        graph.sample(4)


def test_networkx(graph):
    result = graph.to_networkx()
    assert result.number_of_nodes() == 18
    assert result.number_of_edges() == sum(map(len, edge_sets(graph).values()))
    assert result.nodes["text", 0, 3] == {"type": "text", "item": 1, "index": 0}
    assert result.has_edge(("image", 1, 0), ("image", 1, 1), key="beside")
    assert not result.has_edge(("image", 1, 3), ("image", 1, 4))
    assert graph.sample(2).to_networkx().number_of_nodes() == 1


WITH_FEATURES = {
    ("image", "beside", "image"): WithPosition(Grid(2, 2)),
    ("image", "across", "image"): OtherItems(),
    ("text", "next", "text"): WithPosition(Chain(2, "forward")),
    ("text", "like", "text"): Nearest(2),
}


@pytest.fixture
def featured(graph):
    return MultimodalGraph(graph.nodes, WITH_FEATURES)


def test_edge_features_travel_with_the_edges(featured):
    data = featured.to_hetero_data()
    assert data.validate()
    assert data["image", "beside", "image"].edge_attr.shape == (24, 2)
    # Texts of three and two tokens, and one of a single token.
    assert data["text", "next", "text"].edge_index.tolist() == [[0, 0, 1, 3], [1, 2, 2, 4]]
    assert data["text", "next", "text"].edge_attr.flatten().tolist() == [-0.5, -1.0, -0.5, -0.5]
    assert "edge_attr" not in data["text", "like", "text"]
    assert data["image", "across", "image"].num_edges == 2 * 4 * 4
    conv = TransformerConv(5, 5, edge_dim=1)
    store = data["text", "next", "text"]
    assert conv(data["text"].x, store.edge_index, store.edge_attr).isfinite().all()


def test_edge_features_round_trip(featured):
    back = MultimodalGraph.from_hetero_data(featured.to_hetero_data())
    assert_equal(back, featured)
    for own, other in ((featured, back), (featured.sample(0), back.sample(0))):
        wanted = own.edge_attr_dict()
        assert {kind[1] for kind in wanted} == {"beside", "next"}
        assert wanted.keys() == other.edge_attr_dict().keys()
        for edge_type, edge_attr in other.edge_attr_dict().items():
            assert torch.equal(edge_attr, wanted[edge_type])


def test_one_number_an_edge(graph):
    data = graph.sample(0).to_hetero_data(batch=False)
    store = data["text", "next", "text"]
    store.edge_attr = torch.arange(store.num_edges)
    back = MultimodalGraph.from_hetero_data(data).edge_attr_dict()["text", "next", "text"]
    assert torch.equal(back, torch.arange(store.num_edges, dtype=torch.float32).unsqueeze(1))


def test_edges_between_samples_are_refused(graph):
    data = graph.to_hetero_data()
    data["text", "next", "text"].edge_index = torch.tensor([[0, 1], [1, 5]])
    with pytest.raises(ValueError, match="edge 1 joins sample 0 to sample 2"):
        MultimodalGraph.from_hetero_data(data)


def test_edges_with_features_may_not_be_repeated(featured):
    data = featured.to_hetero_data()
    store = data["text", "next", "text"]
    store.edge_index, store.edge_attr = store.edge_index.repeat(1, 2), store.edge_attr.repeat(2, 1)
    with pytest.raises(ValueError, match="coalesce"):
        MultimodalGraph.from_hetero_data(data)


def test_edge_list_of_another_batch_is_refused(graph):
    edges = EdgeList(torch.tensor([3]), torch.tensor([0]), torch.tensor([0]))
    other = MultimodalGraph(graph.nodes, {("image", "to", "text"): edges})
    with pytest.raises(ValueError, match="node 0 of sample 3, which has 0"):
        other.edge_index_dict()


def test_networkx_carries_edge_features(featured):
    result = featured.to_networkx()
    right = result.edges[("image", 0, 1), ("image", 0, 0), "beside"]
    assert right == {"edge_attr": [0.0, 1.0]}
    assert result.edges[("text", 0, 0), ("text", 0, 2), "next"] == {"edge_attr": [-1.0]}
    assert result.edges[("image", 1, 0), ("image", 1, 4), "across"] == {}


def test_heavy_packages_are_imported_late():
    code = (
        "import sys, mmgraph.graph.graph, mmgraph.graph.nodes, mmgraph.relations; "
        "print([n for n in ('torch_geometric', 'networkx', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
