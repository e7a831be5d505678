"""What runs densely, and why something does not."""

import pytest
from torch import nn
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    HGTConv,
    LEConv,
    MeanAggregation,
    SAGEConv,
    TransformerConv,
)

from mmgraph.graph.relations import Complete
from mmgraph.message_passing import dense_form, why_not_dense


class OwnSAGE(SAGEConv):
    pass


def with_own_layer():
    conv = TransformerConv(2, 2)
    conv.lin_key = nn.Sequential(conv.lin_key, nn.Dropout(0.1))
    return conv


@pytest.mark.parametrize(
    ("conv", "reason"),
    [
        (LEConv(2, 2), "LEConv has no dense form"),
        (OwnSAGE(2, 2), "OwnSAGE has no dense form"),
        (SAGEConv(2, 2, aggr="median"), "aggr='median'"),
        (SAGEConv(2, 2, aggr=MeanAggregation()), "aggr='MeanAggregation()'"),
        (GATConv(2, 2), "add_self_loops=True"),
        (GATv2Conv(2, 2), "add_self_loops=True"),
        (GATv2Conv(2, 2, add_self_loops=False, edge_dim=3), "edge_dim"),
        (TransformerConv(2, 2, aggr="mean"), "aggr='mean'"),
        (SAGEConv(2, 2, flow="target_to_source"), "flow"),
        (with_own_layer(), "its lin_key is a Sequential, not a plain linear layer"),
    ],
)
def test_says_why_not(conv, reason, make_nodes, run):
    assert reason in why_not_dense(conv)
    assert dense_form(conv) is None
    assert dense_form(conv, "sparse") is None
    nodes = make_nodes([[1]])
    with pytest.raises(ValueError, match='cannot run with execution="dense"'):
        run(conv, Complete(), nodes, nodes)


def test_hooks_are_respected():
    conv = SAGEConv(2, 2)
    assert why_not_dense(conv) is None
    for module in (conv, conv.lin_l):
        handle = module.register_forward_hook(lambda *_: None)
        assert "hook" in why_not_dense(conv)
        handle.remove()
    conv.explain = True
    assert "explainer" in why_not_dense(conv)


def test_hgt_with_own_layers_runs_sparsely():
    conv = HGTConv(4, 4, (["a"], [("a", "to", "a")]))
    assert why_not_dense(conv) is None
    conv.kqv_lin.lins["a"] = nn.Sequential(conv.kqv_lin.lins["a"])
    assert "Sequential" in why_not_dense(conv)
