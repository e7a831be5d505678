from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmgraph.nn.encoders.recurrent import BidirectionalRNN


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("num_layers", [1, 2])
def test_equals_packed_torch(cell, num_layers):
    ours = BidirectionalRNN(5, 8, cell, num_layers).double()
    layer = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
    theirs = layer(5, 4, num_layers, batch_first=True, bidirectional=True).double()
    with torch.no_grad():
        for name, weight in theirs.named_parameters():
            stack = ours.backwards if name.endswith("_reverse") else ours.forwards
            kind, number = name.removesuffix("_reverse").rsplit("_l", 1)
            getattr(stack[int(number)], f"{kind}_l0").copy_(weight)
    length = torch.tensor([3, 7, 1, 4])
    x = torch.randn(4, 7, 5, dtype=torch.float64)
    packed = pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    torch.testing.assert_close(ours(x, length), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@given(length=st.lists(st.integers(0, 6), max_size=5))
@settings(max_examples=20, deadline=None)
def test_alone_equals_in_batch(cell, length):
    rnn = BidirectionalRNN(3, 5, cell, num_layers=2).double().eval()
    x = torch.randn(len(length), max(length, default=0), 3, dtype=torch.float64)
    out = rnn(x, torch.tensor(length, dtype=torch.int64))
    assert out.shape == (*x.shape[:2], 5)
    for row, steps in enumerate(length):
        alone = rnn(x[row : row + 1, :steps], torch.tensor([steps]))
        torch.testing.assert_close(out[row, :steps], alone[0], rtol=0, atol=1e-12)
        assert not out[row, steps:].any()


def test_padding_changes_nothing():
    rnn = BidirectionalRNN(3, 4)
    x = torch.randn(2, 4, 3)
    other = x.clone()
    other[0, 2:] = 1e3
    length = torch.tensor([2, 4])
    torch.testing.assert_close(rnn(x, length), rnn(other, length))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (2, 0), (2, 3)])
def test_empty_gives_finite_gradients(shape):
    rnn = BidirectionalRNN(3, 4, "lstm")
    x = torch.randn(*shape, 3, requires_grad=True)
    out = rnn(x, torch.zeros(shape[0], dtype=torch.int64))
    assert out.shape == (*shape, 4)
    out.sum().backward()
    assert all(p.grad is not None and not p.grad.any() for p in rnn.parameters())


def test_one_channel_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        BidirectionalRNN(3, 1)
