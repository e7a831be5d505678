import pytest
import torch
from torch_geometric.nn import MaxAggregation, MeanAggregation, SumAggregation

from mmgraph.graph.nodes import Nodes
from mmgraph.nn.readout import Readout

KINDS = ["mean", "max", "sum", "attention", "set2set"]


def make_nodes(lengths, channels=6):
    sample = torch.repeat_interleave(torch.tensor(lengths))
    x = torch.randn(len(sample), channels, dtype=torch.float64)
    return Nodes.from_flat(x, sample=sample, batch_size=len(lengths))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [[3, 1, 5], [2]])
def test_is_pygs_aggregation(kind, lengths):
    torch.manual_seed(0)
    nodes = make_nodes(lengths)
    readout = Readout(kind, 6).double()
    plain = {"mean": MeanAggregation(), "max": MaxAggregation(), "sum": SumAggregation()}
    aggr = readout.aggr or plain[kind]
    wanted = aggr(nodes.flat(), nodes.mask.nonzero()[:, 0], dim_size=len(lengths))
    if kind == "set2set":
        wanted = readout.lin(wanted)
    torch.testing.assert_close(readout(nodes), wanted, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lengths", [[3, 0, 2], [0, 0], [0]])
def test_sample_without_nodes_gives_zeros(kind, lengths):
    nodes = make_nodes(lengths)
    x = nodes.x.clone().requires_grad_()
    readout = Readout(kind, 6).double()
    result = readout(nodes.with_x(x))
    assert result[torch.tensor(lengths) == 0].eq(0).all()
    result.square().sum().backward()
    assert x.grad.isfinite().all()
    assert all(p.grad.isfinite().all() for p in readout.parameters())


def test_weights_by_hand():
    readout = Readout("attention", 1)
    torch.nn.init.constant_(readout.aggr.gate_nn.weight, 1.0)
    x = torch.tensor([[0.0], [3.0]]).log1p()
    nodes = Nodes.from_flat(x, sample=torch.tensor([0, 0]), batch_size=2)
    assert readout.weights(nodes).tolist() == [[pytest.approx(0.2), pytest.approx(0.8)], [0, 0]]


def test_only_attention_has_weights():
    with pytest.raises(ValueError, match='"mean" has no weights'):
        Readout("mean", 6).weights(make_nodes([1]))
