"""What only the graph's fusion has: relations and a global node."""

import pytest
import torch

from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Chain, Complete, Grid
from mmgraph.nn.fusion import GraphFusion
from mmgraph.nn.fusion.graph import default_relations

MODALITIES = {"image": {"beside": Grid(2, 2)}, "text": {"next": Chain()}, "audio": {}}


def make_nodes(lengths):
    sample = torch.repeat_interleave(torch.tensor(lengths))
    return Nodes.from_flat(torch.randn(sum(lengths), 8), sample=sample, batch_size=len(lengths))


def make_batch():
    return {
        "image": make_nodes([4, 0, 4]),
        "text": make_nodes([3, 6, 0]),
        "audio": make_nodes([2, 6, 3]),
    }


def test_relations_by_default():
    relations = default_relations(MODALITIES)
    assert relations["image", "beside", "image"] == Grid(2, 2)
    assert relations["audio", "to", "image"] == Complete()
    assert len(relations) == 2 + 6


def test_own_relations():
    only = {("text", "to", "image"): Complete()}
    fusion = GraphFusion(MODALITIES, 8, relations=only)
    graph = fusion.graph(make_batch())
    assert dict(graph.relations) == only
    assert fusion(make_batch()).shape == (3, 8)


def test_global_node_joins_all():
    graph = GraphFusion(MODALITIES, 8, global_node=True).graph(make_batch())
    assert graph.nodes["global"].mask.tolist() == [[True]] * 3
    edge_index = graph.edge_index_dict()["text", "to", "global"]
    assert edge_index[1].bincount(minlength=3).tolist() == [3, 6, 0]


@pytest.mark.parametrize(
    ("modalities", "relations", "message"),
    [
        ({"global": {}}, None, "global node"),
        ({"image": {}}, {("image", "to", "video"): Complete()}, "video"),
    ],
)
def test_bad_names(modalities, relations, message):
    with pytest.raises(ValueError, match=message):
        GraphFusion(modalities, 8, relations=relations)
