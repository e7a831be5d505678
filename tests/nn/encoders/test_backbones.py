import builtins

import pytest
import timm
import torch
from safetensors.torch import save_file

from mmgraph.errors import MissingPackageError
from mmgraph.nn.encoders import backbones
from mmgraph.nn.encoders.backbones import load_backbone, region_shape, weights_id

TINY = "test_resnet"


@pytest.fixture
def tiny(tmp_path):
    model = timm.create_model(TINY, pretrained=False)
    path = tmp_path / "tiny.safetensors"
    save_file(model.state_dict(), path)
    return model.eval(), path


def test_map_is_that_of_timm_on_normalised_pixels(tiny):
    model, path = tiny
    pixels = torch.randint(0, 256, (2, 3, 64, 64)).float()
    expected = model.forward_features((pixels / 255 - 0.5) / 0.5)
    result = load_backbone(TINY, path)(pixels)
    assert result.shape == (2, 32 + 32 + 48 + 192 + 96, 2, 2)
    torch.testing.assert_close(result[:, -96:], expected, atol=1e-4, rtol=1e-4)


def test_earlier_stages_are_averaged_over_each_region(tiny):
    model, path = tiny
    pixels = torch.randint(0, 256, (2, 3, 64, 64)).float()
    result = load_backbone(TINY, path)(pixels)
    x = model.act1(model.bn1(model.conv1((pixels / 255 - 0.5) / 0.5)))  # the first of them
    assert x.shape == (2, 32, 32, 32)
    for row, column in ((0, 0), (1, 0), (1, 1)):
        part = x[:, :, 16 * row : 16 * (row + 1), 16 * column : 16 * (column + 1)]
        torch.testing.assert_close(result[:, :32, row, column], part.mean((2, 3)))


@pytest.mark.parametrize(
    ("name", "channels"), [("test_vit", 64), ("test_efficientnet", 376), ("test_convnext", 168)]
)
def test_all_larger_maps_count_and_transformers_have_none(name, channels):
    model = timm.create_model(name, pretrained=False, num_classes=0)
    assert region_shape(name, 160)[0] == channels
    backbone = load_backbone(name, model.state_dict(), size=160)
    with torch.inference_mode():
        x = torch.rand(1, 3, 160, 160)
        last = backbone._as_map(backbone.model.forward_features((x - backbone.mean) / backbone.std))
        torch.testing.assert_close(backbone(x)[:, -last.shape[1] :], last)


def test_models_without_intermediate_maps_give_their_last(tiny):
    _, path = tiny
    backbone = load_backbone(TINY, path)
    pixels = torch.rand(1, 3, 64, 64) * 255
    whole = backbone(pixels)

    class Older(torch.nn.Module):
        num_features = 96

        def forward_features(self, x):
            return backbone.model.forward_features(x)

    older = backbones.Backbone(Older(), (127.5,) * 3, (127.5,) * 3)
    torch.testing.assert_close(older(pixels), whole[:, -96:])


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_pth_files_and_tensors_load_like_safetensors(tiny, tmp_path, wrapper):
    model, path = tiny
    state = model.state_dict()
    torch.save({wrapper: state} if wrapper else state, tmp_path / "tiny.pth")
    pixels = torch.rand(1, 3, 64, 64) * 255
    expected = load_backbone(TINY, path)(pixels)
    assert torch.equal(load_backbone(TINY, tmp_path / "tiny.pth")(pixels), expected)
    assert torch.equal(load_backbone(TINY, state)(pixels), expected)


def test_pickled_objects_are_refused(tmp_path):
    torch.save({"a": object()}, tmp_path / "bad.pth")
    with pytest.raises(Exception, match="could run code"):
        load_backbone(TINY, tmp_path / "bad.pth")


def test_weights_that_do_not_fit_name_the_tensor(tiny):
    model, _ = tiny
    state = model.state_dict()
    with pytest.raises(ValueError, match=r"lacks 'conv1\.0\.weight'|lacks 'conv1"):
        load_backbone(TINY, {k: v for k, v in state.items() if not k.startswith("conv1")})
    first = next(iter(state))
    with pytest.raises(ValueError, match=r"has shape \[1\] for"):
        load_backbone(TINY, state | {first: torch.zeros(1)})


def test_missing_weights_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_backbone(TINY, tmp_path / "none.safetensors")


def test_unknown_model_shows_similar_ones():
    with pytest.raises(ValueError, match=r"'resnet_x'; similar: .*resnet"):
        load_backbone("resnet_x", {})


def test_weights_that_cannot_be_downloaded(monkeypatch):
    def offline(*args, **kwargs):
        raise RuntimeError("no network")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(OSError, match=r"no network.*weights=\.\.\.") as caught:
        load_backbone(TINY)
    assert "tf_efficientnet_lite0" in str(caught.value)


def test_packaged_weights_give_a_finite_map():
    backbone = load_backbone("tf_efficientnet_lite0")
    assert not backbone.training
    pixels = torch.randint(0, 256, (1, 3, 160, 160), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        maps = backbone(pixels.float())
    assert maps.flatten(2).transpose(1, 2).shape == (1, 25, 1472)
    assert maps.isfinite().all()
    assert 0.05 < maps[:, -1280:].mean() < 2  # random weights would give vanishing features


@pytest.mark.parametrize("size", [32, 96, 100])
@pytest.mark.parametrize("name", [TINY, "test_vit", "test_efficientnet", "test_convnext"])
def test_region_shape_is_the_shape_of_the_map(name, size):
    model = timm.create_model(name, pretrained=False, num_classes=0)
    if size % 16 and hasattr(model, "set_input_size"):
        pytest.skip("patches of a transformer need multiples of their size")
    backbone = load_backbone(name, model.state_dict(), size=96)
    if size != 96 and hasattr(model, "set_input_size"):
        backbone.model.set_input_size(img_size=size)
    with torch.inference_mode():
        assert backbone(torch.zeros(2, 3, size, size)).shape == (2, *region_shape(name, size))


def test_weights_id_follows_the_file(tiny, tmp_path):
    _, path = tiny
    same = tmp_path / "same.safetensors"
    same.write_bytes(path.read_bytes())
    assert weights_id(TINY, path) == weights_id(TINY, same)
    other = tmp_path / "other.safetensors"
    other.write_bytes(path.read_bytes()[:-1] + b"x")
    assert weights_id(TINY, path) != weights_id(TINY, other)
    assert weights_id(TINY).startswith("timm ")
    assert len(weights_id("tf_efficientnet_lite0")) == 32


def test_missing_packages_name_the_install(monkeypatch):
    monkeypatch.setattr(backbones, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"mmgraph\[pretrained\].*backbone=None"):
        load_backbone("tf_efficientnet_lite0")

    real = builtins.__import__

    def without_timm(name, *args, **kwargs):
        if name == "timm":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_timm)
    with pytest.raises(MissingPackageError, match=r"mmgraph\[pretrained\].*backbone=None"):
        load_backbone(TINY, {})
