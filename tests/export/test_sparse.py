import torch
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.export.bounded import owner_of
from mmgraph.export.program import join
from mmgraph.export.sparse import Entries, distinct, last_not_above

numbers = st.integers(-(2**62), 2**62)


@given(st.lists(numbers, min_size=1, max_size=200, unique=True), st.lists(numbers, max_size=20))
def test_search_finds_what_searchsorted_finds(values, wanted):
    values = torch.tensor(sorted(values))
    wanted = torch.tensor([*wanted, *values[:5].tolist()])
    expected = (torch.searchsorted(values, wanted, right=True) - 1).clamp_min(0)
    assert last_not_above(values, wanted).equal(expected)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans()), min_size=1))
def test_distinct_counts_each_cell_once(cells):
    row, column, counted = (torch.tensor(each) for each in zip(*cells, strict=True))
    found = (
        torch.zeros(4, 5)
        .long()
        .index_put(
            distinct(row, column, counted, shape=(4, 5))[:2],
            distinct(row, column, counted, shape=(4, 5))[2],
            accumulate=True,
        )
    )
    expected = torch.zeros(4, 5).long().index_put((row, column), counted.long(), accumulate=True)
    assert found.equal(expected)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=9))
def test_owners(lengths):
    length = torch.tensor(lengths)
    expected = torch.repeat_interleave(length)
    assert owner_of(length, len(expected)).equal(expected)
    assert owner_of(length, len(expected) + 2)[-2:].tolist() == [len(lengths) - 1] * 2


def test_entries_multiply_as_the_matrix_does():
    # Two entries share a cell: row 1 is 3 in column 0 and 4 in column 1.
    entries = Entries(
        torch.tensor([1, 1, 1]), torch.tensor([0, 0, 1]), torch.tensor([1.0, 2.0, 4.0]), (2, 2)
    )
    weight = torch.tensor([[1.0], [10.0]])
    assert (entries @ weight).tolist() == [[0.0], [43.0]]
    assert (entries * 2.0 @ weight).tolist() == [[0.0], [86.0]]
    empty = Entries(torch.tensor([1]), torch.tensor([0]), torch.zeros(1), (2, 0))
    assert (empty @ torch.zeros(0, 3)).tolist() == [[0.0] * 3] * 2


def test_joined_tensors_keep_what_they_hold():
    joined = join(torch.ones(2, 3, 2), torch.full((1, 1, 2), 5.0))
    assert joined.shape == (3, 4, 2)
    assert joined[:2, :3].eq(1).all()
    assert joined[2, 0].eq(5).all()
    assert joined.sum() == 12 + 10
