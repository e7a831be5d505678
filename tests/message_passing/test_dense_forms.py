"""One contract for all dense forms of convolutions that run along one relation."""

import pytest
import torch
from torch import nn
from torch_geometric.nn import (
    GATConv,
    GATv2Conv,
    GINConv,
    GraphConv,
    HGTConv,
    LEConv,
    MessagePassing,
    SAGEConv,
    TransformerConv,
)

from mmgraph.message_passing import choice, dense_form, why_not_dense
from mmgraph.message_passing.base import DenseForm
from mmgraph.message_passing.convs.sage import DenseSAGE
from mmgraph.system import plugins
from mmgraph.testing import check_dense_form

CONVS = {
    GATConv: lambda i, o: GATConv(i, o // 2, heads=2, add_self_loops=False),
    GATv2Conv: lambda i, o: GATv2Conv(i, o // 2, heads=2, add_self_loops=False),
    GINConv: lambda i, o: GINConv(nn.Linear(i, o)),
    GraphConv: GraphConv,
    SAGEConv: SAGEConv,
    TransformerConv: lambda i, o: TransformerConv(i, o // 2, heads=2),
}


@pytest.mark.parametrize("operator", CONVS)
def test_contract(operator):
    check_dense_form(choice._FORMS[operator], CONVS[operator])


def test_no_form_escapes():
    # That of HGT takes all relations at once, and is compared by test_parity and test_gnn.
    assert choice._FORMS.keys() - {HGTConv} == CONVS.keys()


class SumConv(MessagePassing):
    """Sums what a node receives, after a linear map."""

    def __init__(self, in_channels, out_channels):
        super().__init__(aggr="sum")
        self.lin = nn.Linear(in_channels, out_channels)

    def forward(self, x, edge_index):
        return self.propagate(edge_index, x=x, size=(len(x[0]), len(x[1])))

    def message(self, x_j):
        return self.lin(x_j)


class Broken(DenseForm):
    """A good dense form, in which each test breaks one promise."""

    operator = SumConv

    def messages(self, conv, source, target, edges):
        return edges.reduce(conv.lin(source.x), "sum")


class Detached(Broken):
    def messages(self, conv, source, target, edges):
        return edges.reduce(conv.lin(source.x.detach()), "sum")


class Biased(Broken):
    def messages(self, conv, source, target, edges):
        return conv.lin(edges.reduce(source.x, "sum"))


class Refusing(Broken):
    aggregations = ("mean",)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (Detached(), "the gradient of the nodes 'a' differs"),
        (Biased(), "the output differs from that of the convolution's own code"),
        (Refusing(), "refuses the convolution: aggr='sum'"),
        (DenseSAGE(), "operator is SAGEConv, but the convolution is a SumConv"),
    ],
)
def test_broken_promises_are_found(form, message):
    with pytest.raises(AssertionError, match=message):
        check_dense_form(form, SumConv)


def test_those_of_plugins_are_used(monkeypatch):
    check_dense_form(Broken(), SumConv)
    monkeypatch.setattr(plugins, "_added", {})
    assert "SumConv has no dense form" in why_not_dense(SumConv(2, 2))
    plugins.add_plugin(Broken)
    assert why_not_dense(SumConv(2, 2)) is None
    assert isinstance(dense_form(SumConv(2, 2)), Broken)
    assert "LEConv has no dense form" in why_not_dense(LEConv(2, 2))
    with torch.no_grad():
        assert dense_form(SumConv(2, 2), "sparse") is None
