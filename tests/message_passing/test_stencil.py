"""The three products along a stencil are each other's gradients."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.message_passing.edges.stencil import dot, gather, overlaps

steps = st.lists(st.integers(-4, 4), min_size=1, max_size=4).map(tuple)


@given(st.integers(0, 6), steps)
def test_by_loops(rows, steps):
    query, key = torch.randn(rows, 2, 3), torch.randn(rows, 2, 3)
    weight = torch.randn(rows, 2, len(steps))
    products, sums = torch.zeros(rows, 2, len(steps)), torch.zeros(rows, 2, 3)
    for row in range(rows):
        for number, step in enumerate(steps):
            if 0 <= row + step < rows:
                products[row, :, number] = (query[row] * key[row + step]).sum(1)
                sums[row] += weight[row, :, number, None] * key[row + step]
    torch.testing.assert_close(dot(query, key, steps), products)
    torch.testing.assert_close(gather(weight, key, steps), sums)


@settings(max_examples=15)
@given(st.integers(1, 4), steps)
def test_gradients(rows, steps):
    wide = [torch.randn(rows, 2, 2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    weight = torch.randn(rows, 2, len(steps), dtype=torch.float64, requires_grad=True)
    for function, first in ((dot, wide[0]), (gather, weight)):
        call = lambda a, b, function=function: function(a, b, steps)  # noqa: E731
        assert torch.autograd.gradcheck(call, (first, wide[1]))
        assert torch.autograd.gradgradcheck(call, (first, wide[1]))


def test_steps_beyond_the_rows_overlap_nowhere():
    assert [here for _, here, _ in overlaps(2, (-3, 3))] == [slice(3, 3), slice(0, 0)]
