import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.message_passing import PackedNodes

masks = st.lists(st.integers(0, 4), min_size=1, max_size=4).map(
    lambda lengths: torch.arange(max(lengths)) < torch.tensor(lengths).unsqueeze(1)
)


@given(masks)
def test_pack_and_pad(mask):
    x, rows = torch.randn(*mask.shape, 3), PackedNodes(mask)
    assert torch.equal(rows.pack(x), x[mask])
    assert torch.equal(rows.pad(x[mask]), x * mask.unsqueeze(2))
    assert torch.equal(rows.sample, mask.nonzero()[:, 0])
    assert len(rows) == int(mask.sum())


@settings(max_examples=8)
@given(masks)
def test_gradients(mask):
    rows = PackedNodes(mask)
    x = torch.randn(*mask.shape, 2, dtype=torch.float64, requires_grad=True)
    if mask.any():
        assert torch.autograd.gradcheck(rows.pack, (x,))
        assert torch.autograd.gradcheck(rows.pad, (rows.pack(x).detach().requires_grad_(),))
        assert torch.autograd.gradgradcheck(rows.pack, (x,))
