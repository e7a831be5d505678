import pytest
import torch
from torch import nn

from mmgraph.modalities.base import Items
from mmgraph.nn.encoders.image import RegionCNN, RegionEncoder


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def items(name: str, values: torch.Tensor, sample: list[int], regions: int, batch: int) -> Items:
    return Items(
        data={name: values},
        length=torch.full((len(values),), regions),
        sample=torch.tensor(sample, dtype=torch.long),
        batch_size=batch,
    )


@pytest.mark.parametrize(
    ("size", "side"), [(16, 1), (28, 2), (64, 4), (100, 7), (128, 8), (160, 10)]
)
def test_one_region_per_sixteen_pixels(size, side):
    maps = RegionCNN()(torch.rand(2, 3, size, size) * 255)
    assert maps.shape == (2, RegionCNN.out_channels, side, side)


def test_cnn_is_small():
    assert sum(parameter.numel() for parameter in RegionCNN().parameters()) == 185_824


def test_cnn_sees_each_image_alone():
    cnn = RegionCNN().eval()
    pixels = torch.rand(4, 3, 48, 48) * 255
    torch.testing.assert_close(cnn(pixels)[2:3], cnn(pixels[2:3]), atol=1e-5, rtol=1e-5)


def test_features_are_standardised_and_placed():
    encoder = RegionEncoder(
        *(2, 4, 1, 2), mean=torch.tensor([1.0, 2.0]), std=torch.tensor([2.0, 4.0])
    )
    values = torch.tensor([[[3.0, 2.0], [1.0, 6.0]]])  # standardised: [1, 0] and [0, 1]
    nodes = encoder(items("features", values, [1], 2, 2))
    weight, bias = encoder.project.weight, encoder.project.bias
    for region in range(2):
        x = weight[:, region] + bias + encoder.row[0, 0] + encoder.column[0, region]
        expected = nn.functional.layer_norm(x, (4,))
        torch.testing.assert_close(nodes.x[1, region], expected)
    assert nodes.mask.tolist() == [[False, False], [True, True]]


def test_regions_come_in_reading_order():
    encoder = RegionEncoder(3, 8, 2, 3, backbone=nn.AvgPool2d(2))
    pixels = torch.arange(24).view(1, 1, 4, 6).expand(1, 3, 4, 6).to(torch.uint8)
    features = encoder.features(items("pixels", pixels, [0], 6, 1))
    means = [3.5, 5.5, 7.5, 15.5, 17.5, 19.5]
    torch.testing.assert_close(features[0], torch.tensor(means)[:, None].expand(6, 3))


def test_nodes_know_item_and_region():
    encoder = RegionEncoder(5, 4, 2, 2)
    nodes = encoder(items("features", torch.randn(3, 4, 5), [0, 2, 2], 4, 3))
    assert nodes.x.shape == (3, 8, 4)
    assert nodes.mask.sum(1).tolist() == [4, 0, 8]
    assert nodes.item[2].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert nodes.index[2].tolist() == [0, 1, 2, 3, 0, 1, 2, 3]
    assert not nodes.x[1].any()


@pytest.mark.parametrize("trained", [False, True])
def test_no_items_give_no_nodes_and_finite_gradients(trained):
    backbone = nn.Sequential(RegionCNN(), nn.BatchNorm2d(128)) if trained else None
    encoder = RegionEncoder(128, 4, 2, 2, backbone=backbone)
    if trained:
        batch = items("pixels", torch.zeros(0, 3, 32, 32, dtype=torch.uint8), [], 4, 3)
    else:
        batch = items("features", torch.zeros(0, 4, 128), [], 4, 3)
    nodes = encoder(batch)
    assert nodes.x.shape == (3, 0, 4)
    nodes.x.sum().backward()
    for tensor in [*encoder.parameters(), *encoder.buffers()]:
        assert tensor.isfinite().all()
        assert tensor.grad is None or tensor.grad.isfinite().all()


def test_every_parameter_is_trained():
    encoder = RegionEncoder(128, 16, 2, 2, backbone=RegionCNN())
    pixels = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8)
    encoder(items("pixels", pixels, [0, 0, 1], 4, 2)).x.pow(3).sum().backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_state_dict_round_trip():
    values = torch.randn(1, 4, 5)
    encoder = RegionEncoder(5, 4, 2, 2, mean=torch.randn(5), std=torch.rand(5) + 1)
    other = RegionEncoder(5, 4, 2, 2)
    other.load_state_dict(encoder.state_dict())
    batch = items("features", values, [0], 4, 1)
    assert torch.equal(encoder(batch).x, other(batch).x)
