import subprocess
import sys

import pytest
import torch
from torch_geometric.data import Batch
from torch_geometric.nn import global_mean_pool

from mmgraph.graph import MultimodalGraph
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Complete, Grid

EDGE_TYPES = {
    ("image", "beside", "image"): Grid(2, 2),
    ("text", "next", "text"): Chain(),
    ("image", "to", "text"): Complete(),
    ("text", "to", "image"): Complete(),
}


def make_nodes(lengths, channels):
    rows = [
        (sample, item, index)
        for sample, items in enumerate(lengths)
        for item, length in enumerate(items)
        for index in range(length)
    ]
    sample, item, index = torch.tensor(rows, dtype=torch.long).view(-1, 3).unbind(1)
    x = torch.randn(len(rows), channels)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)


@pytest.fixture
def graph():
    images = make_nodes([[4], [4, 4], [], []], 3)
    texts = make_nodes([[3, 2], [], [1], []], 5)
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
        MultimodalGraph({**graph.nodes, "text": make_nodes([[2]], 5)}, {})


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
    nodes = {"image": make_nodes([[], []], 3), "text": make_nodes([[2], []], 5)}
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


def test_heavy_packages_are_imported_late():
    code = (
        "import sys, mmgraph.graph, mmgraph.nodes, mmgraph.relations; "
        "print([n for n in ('torch_geometric', 'networkx', 'pandas') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
