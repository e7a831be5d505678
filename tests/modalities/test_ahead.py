"""What is computed in a thread while inputs are decoded is complete, in order and bounded."""

import numpy as np
import pytest
import torch

from mmgraph.modalities.ahead import Ahead


def keys(count):
    return [bytes([number]) for number in range(count)]


def test_batches_in_order_whatever_their_number():
    for count in range(8):
        sizes, kept = [], []

        def compute(inputs, sizes=sizes):
            sizes.append(len(inputs))
            return {key: x.numpy() + 1 for key, x in inputs.items()}

        with Ahead(compute, size=3, keep=kept.append) as ahead:
            for key in keys(count):
                ahead.add(key, torch.tensor([key[0]]))
                assert key in ahead
        assert (
            sizes
            == [len(found) for found in kept]
            == [3] * (count // 3) + [2, 1][2 - count % 3 :][: count % 3 > 0]
        )
        assert list(ahead.features) == keys(count)
        assert [int(x[0]) for x in ahead.features.values()] == list(range(1, count + 1))


def test_few_batches_wait():
    with Ahead(lambda inputs: dict.fromkeys(inputs, np.zeros(1)), size=1) as ahead:
        for number, key in enumerate(keys(6), start=1):
            ahead.add(key, torch.zeros(1))
            assert number - len(ahead.features) <= 2
    assert len(ahead.features) == 6


def test_errors_of_either_side():
    def fail(inputs):
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"), Ahead(fail, size=1) as ahead:
        ahead.add(b"a", torch.zeros(1))
    computed = []

    def read():
        with Ahead(computed.append, size=2) as ahead:
            ahead.add(b"a", torch.zeros(1))
            raise ValueError("unreadable")

    with pytest.raises(ValueError, match="unreadable"):
        read()
    assert computed == []
