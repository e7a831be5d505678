"""GATv2's weighed maxima of two ends against torch's own operations, gradients too."""

import pytest
import torch

from mmgraph.message_passing.convs.gatv2 import _PairMax, _StencilMax

STEPS = (-2, -1, 1)


def stencil_by_hand(left, right, weight):
    rows = []
    for row in range(len(right)):
        found = [
            (torch.maximum(left[row + step], right[row]) * weight).sum(1)
            if 0 <= row + step < len(left)
            else left.new_zeros(left.shape[1])
            for step in STEPS
        ]
        rows.append(torch.stack(found, dim=1))
    return torch.stack(rows)


def pairs_by_hand(left, right, weight):
    larger = torch.maximum(left.unsqueeze(2), right.unsqueeze(3))
    return (larger * weight[:, None, None]).sum(4)


@pytest.mark.parametrize(
    ("shape", "ours", "by_hand"),
    [
        ((5, 2, 3), lambda *ends: _StencilMax.apply(*ends, STEPS), stencil_by_hand),
        ((2, 3, 4, 5), _PairMax.apply, pairs_by_hand),
    ],
    ids=["stencil", "pairs"],
)
def test_values_and_gradients(shape, ours, by_hand):
    torch.manual_seed(0)
    heads, channels = shape[1], shape[-1]
    ends = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    ends.append(torch.randn(heads, channels, dtype=torch.float64, requires_grad=True))
    found, wanted = ours(*ends), by_hand(*ends)
    torch.testing.assert_close(found, wanted)
    pull = torch.randn_like(wanted)
    for one, other in zip(
        torch.autograd.grad(found, ends, pull), torch.autograd.grad(wanted, ends, pull), strict=True
    ):
        torch.testing.assert_close(one, other)
