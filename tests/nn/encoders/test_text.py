from __future__ import annotations

import pytest
import torch

from mmgraph.modalities.base import Items
from mmgraph.nn.encoders.text import TokenEncoder


def make_items(length, sample, batch_size, features=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    total = sum(length)
    data = {"ids": torch.randint(1, 20, (total,), generator=generator)}
    if features:
        data["features"] = torch.randn(total, features, generator=generator)
    return Items(
        data, torch.tensor(length).long(), torch.tensor(sample).long(), batch_size=batch_size
    )


def make_encoder(features=None, **kwargs):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mean = torch.full((features,), 0.5) if features else None
        std = torch.full((features,), 2.0) if features else None
        return TokenEncoder(20, 6, mean=mean, std=std, **kwargs).eval()


@pytest.mark.parametrize("features", [None, 7])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_layout_and_independence_of_texts(features, cell):
    items = make_items([2, 0, 3, 1], [0, 0, 2, 2], 3, features)
    encoder = make_encoder(features, cell=cell)
    nodes = encoder(items)
    assert nodes.mask.sum(1).tolist() == [2, 0, 4]
    assert nodes.item[2].tolist() == [0, 0, 0, 1]
    assert nodes.index[2].tolist() == [0, 1, 2, 0]
    data = {name: value[2:5] for name, value in items.data.items()}
    alone = encoder(Items(data, torch.tensor([3]), torch.tensor([0]), 1))
    torch.testing.assert_close(nodes.x[2, :3], alone.x[0])


@pytest.mark.parametrize(("length", "sample"), [([], []), ([0], [1]), ([0, 0], [0, 1])])
def test_no_tokens(length, sample):
    encoder = make_encoder(7).train()
    nodes = encoder(make_items(length, sample, 2, 7))
    assert nodes.x.shape == (2, 0, 6)
    nodes.x.sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters() if p.grad is not None)


def test_every_parameter_is_trained():
    encoder = make_encoder(7).train()
    nodes = encoder(make_items([4, 0, 2], [0, 1, 1], 2, 7))
    (nodes.x**3).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_features_are_standardised():
    encoder = make_encoder(7)
    items = make_items([3], [0], 1, 7)
    plain = make_encoder(7)
    plain.mean.zero_()
    plain.std.fill_(1.0)
    scaled = dict(items.data, features=(items.data["features"] - 0.5) / 2)
    expected = plain(Items(scaled, items.length, items.sample, 1))
    torch.testing.assert_close(encoder(items).x, expected.x)


def test_state_dict_round_trip():
    encoder, other = make_encoder(7), TokenEncoder(20, 6, mean=torch.zeros(7), std=torch.ones(7))
    other.load_state_dict(encoder.state_dict())
    items = make_items([3, 1], [0, 1], 2, 7)
    torch.testing.assert_close(other.eval()(items).x, encoder(items).x)
