import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.graph.nodes import Nodes


@pytest.fixture
def nodes():
    return Nodes.from_flat(
        torch.arange(8.0).view(4, 2) + 1,
        sample=torch.tensor([0, 0, 0, 2]),
        batch_size=4,
        item=torch.tensor([0, 0, 1, 0]),
        index=torch.tensor([0, 1, 0, 5]),
    )


def test_padding_by_hand(nodes):
    assert nodes.mask.tolist() == [
        [True, True, True],
        [False, False, False],
        [True, False, False],
        [False, False, False],
    ]
    assert nodes.x[0].tolist() == [[1, 2], [3, 4], [5, 6]]
    assert nodes.x[2].tolist() == [[7, 8], [0, 0], [0, 0]]
    assert nodes.item[0].tolist() == [0, 0, 1]
    assert nodes.index[2].tolist() == [5, 0, 0]
    assert (nodes.batch_size, nodes.channels) == (4, 2)


def test_offsets_are_rows_of_flat(nodes):
    assert nodes.offsets()[:, 0].tolist() == [0, -1, 3, -1]
    assert torch.equal(nodes.flat()[nodes.offsets()[nodes.mask]], nodes.x[nodes.mask])


def test_new_features_leave_padding_at_zero(nodes):
    assert nodes.with_x(torch.ones(4, 3, 7)).x.sum((1, 2)).tolist() == [21, 0, 7, 0]


def test_index_counts_through_the_sample_by_default():
    nodes = Nodes.from_flat(torch.ones(3, 1), sample=torch.tensor([0, 1, 1]), batch_size=2)
    assert nodes.index.tolist() == [[0, 0], [0, 1]]
    assert nodes.item.tolist() == [[0, 0], [0, 0]]


def test_batch_without_nodes():
    nodes = Nodes.from_flat(torch.ones(0, 3), sample=torch.zeros(0).long(), batch_size=2)
    assert nodes.x.shape == (2, 0, 3)
    assert nodes.flat().shape == (0, 3)
    assert nodes.with_flat(torch.ones(0, 5)).x.shape == (2, 0, 5)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=5))
def test_flat_and_padded_are_each_others_inverse(lengths):
    sample = torch.repeat_interleave(torch.tensor(lengths))
    x = torch.randn(len(sample), 3, requires_grad=True)
    nodes = Nodes.from_flat(x, sample=sample, batch_size=len(lengths))
    assert torch.equal(nodes.flat(), x)
    assert torch.equal(nodes.with_flat(2 * x).x, 2 * nodes.x)
    nodes.x.sum().backward()
    assert torch.equal(x.grad, torch.ones_like(x))


def test_a_batch_of_no_samples_has_no_slots():
    none = torch.zeros(0, dtype=torch.long)
    nodes = Nodes.from_flat(torch.zeros(0, 2), sample=none, batch_size=0)
    assert list(nodes.x.shape) == [0, 0, 2]
