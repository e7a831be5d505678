"""Attention by compiled kernels: threads, views, and what they leave to others."""

from itertools import pairwise

import pytest
import torch
from torch_geometric.nn import GATConv, GATv2Conv

from mmgraph.message_passing import fused
from mmgraph.message_passing.edges.mask_edges import MaskEdges
from mmgraph.message_passing.edges.neighbours import Neighbours
from mmgraph.message_passing.fused import fusable, leaky_attention, sum_attention
from mmgraph.message_passing.packing import PackedNodes

HEADS, CHANNELS = 3, 5


@pytest.fixture
def edges():
    """All pairs within each of five samples, one of them empty."""
    length = torch.tensor([[4], [0], [9], [1], [6]])
    rows = PackedNodes(torch.arange(9) < length)
    return MaskEdges(rows, rows, None, rows.mask.unsqueeze(1))


def outcome(neighbours, threads, kind):
    """Output and gradients of a kernel, with a number of threads."""
    torch.manual_seed(0)
    rows = len(neighbours.start)
    narrow, wide = torch.randn(2, rows, HEADS), torch.randn(2, rows, HEADS, CHANNELS)
    inputs = [*narrow, wide[0]] if kind == "sum" else [*wide, torch.randn(HEADS, CHANNELS)]
    leaves = [x.clone().requires_grad_() for x in inputs]
    attend = sum_attention if kind == "sum" else leaky_attention
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        out = attend(*leaves, 0.2, neighbours)
        return [out, *torch.autograd.grad(out.sin().sum(), leaves)]
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("kind", ["sum", "leaky"])
def test_threads_change_nothing(kind, edges, monkeypatch):
    monkeypatch.setattr(fused, "_WORTH_A_THREAD", 1)
    assert len(list(edges.neighbours.spans(2))) == 2
    one, two = (outcome(edges.neighbours, threads, kind) for threads in (1, 2))
    for alone, together in zip(one, two, strict=True):
        assert torch.equal(alone, together)


def test_spans_hold_whole_samples_and_all_of_them(edges):
    ends = {0, 4, 13, 14, 20}
    for number in range(1, 7):
        spans = list(edges.neighbours.spans(number))
        assert spans[0][0] == 0
        assert spans[-1][1] == 20
        assert all(one[1] == following[0] for one, following in pairwise(spans))
        assert {end for span in spans for end in span} <= ends


def test_equal_reach_is_one_list_a_sample(edges):
    assert len(edges.neighbours.index) == 20
    assert edges.neighbours.edges == 4 * 4 + 9 * 9 + 1 + 6 * 6


def test_columns_of_a_joint_map_are_read_where_they_stand():
    joint = torch.arange(60.0).view(4, 15)
    part = joint[:, 6:12].unflatten(1, (2, 3))
    table, column = fused._table(part)
    assert table.base is not None or table.shape == (4, 15)
    assert (table[:, column : column + 6] == part.flatten(1).numpy()).all()
    assert column == 6


@pytest.mark.parametrize(
    "x",
    [
        torch.arange(12.0).view(3, 4).T,
        torch.arange(3.0).expand(4, 3),
        torch.arange(7.0)[2:].view(5, 1),
        torch.empty(0, 3),
        torch.arange(20.0)[3:18].view(3, 5),
        torch.arange(24.0).view(2, 3, 4)[:, :, 1:3],
    ],
    ids=["transposed", "repeated", "shifted", "empty", "off its rows", "parts of heads"],
)
def test_any_layout_is_read(x):
    table, column = fused._table(x)
    wide = x.flatten(1)
    assert (table[:, column : column + wide.shape[1]] == wide.numpy()).all()


def test_what_kernels_leave_to_others(edges, monkeypatch):
    x, conv = torch.zeros(20, 4), GATv2Conv(4, 4, add_self_loops=False, dropout=0.5)
    assert fusable(conv, x, edges) is None
    assert isinstance(fusable(conv.eval(), x, edges), Neighbours)
    assert fusable(conv, x.half(), edges) is None
    assert fusable(conv, x.to("meta"), edges) is None
    assert fusable(GATConv(4, 4, edge_dim=2), x, edges) is None
    monkeypatch.setattr(fused, "_kernels", lambda: None)
    assert fusable(conv, x, edges) is None


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_logits_stay_finite(dtype):
    rows = PackedNodes(torch.ones(1, 3, dtype=torch.bool))
    near = Neighbours.by_mask(rows, rows, rows.mask.unsqueeze(1))
    source = torch.tensor([[1e4], [-1e4], [0.0]], dtype=dtype, requires_grad=True)
    value = torch.tensor([1.0, 2.0, 4.0], dtype=dtype).view(3, 1, 1)
    out = sum_attention(source, torch.zeros(3, 1, dtype=dtype), value, 1.0, near)
    (grad,) = torch.autograd.grad(out.sum(), source)
    assert out.flatten().tolist() == [1, 1, 1]
    assert grad.isfinite().all()
