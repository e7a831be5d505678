import json
import logging
import subprocess
import sys
import threading
import time
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image as PILImage
from safetensors.torch import save_file

from mmgraph.errors import CellError
from mmgraph.modalities.decoding import frozen_images
from mmgraph.modalities.image import Image
from mmgraph.nn.encoders import backbones

TINY = "test_resnet"
RNG = np.random.default_rng(0)


def picture(side: int = 40) -> np.ndarray:
    return RNG.integers(0, 256, (side, side, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("MMGRAPH_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = timm.create_model(TINY, pretrained=False)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(model.state_dict(), path)
    return path


@pytest.fixture
def frozen(weights):
    return Image("photo", backbone=TINY, weights=weights, size=64)


@pytest.fixture
def no_cnn(monkeypatch):
    """Building a backbone from here on is an error."""

    def refuse():
        def fail(*args, **kwargs):
            raise AssertionError("the backbone was built")

        monkeypatch.setattr(backbones, "load_backbone", fail)

    return refuse


def same(first, second, **tolerance) -> None:
    assert [len(cell) for cell in first] == [len(cell) for cell in second]
    for a, b in zip(chain(*first), chain(*second), strict=True):
        torch.testing.assert_close(a, b, **tolerance)


def test_frozen_items_are_the_map_of_the_backbone(frozen, weights):
    raw = picture(64)
    [[item]] = frozen.transform([[raw]])
    pixels = torch.from_numpy(raw).permute(2, 0, 1)[None].float()
    expected = backbones.load_backbone(TINY, weights)(pixels).flatten(2)[0].T
    assert item["features"].dtype == torch.float32
    torch.testing.assert_close(item["features"], expected, atol=1e-4, rtol=1e-4)


def test_one_image_is_the_same_as_in_a_batch(frozen):
    cells = [[picture()] for _ in range(40)]
    frozen.cache = False
    together = frozen.transform(cells)
    same([together[35]], frozen.transform([cells[35]]), atol=1e-5, rtol=1e-4)


def test_second_transform_skips_the_cnn(frozen, no_cnn):
    cells = [[picture(), picture()], [], [picture()]]
    fitted = frozen.fit(cells)
    no_cnn()
    for modality in (fitted, frozen, frozen.fit(cells)):
        modality._backbone = None
        same(modality.transform(cells), fitted.transform(cells))


def test_other_settings_do_not_share_features(frozen, weights):
    cells = [[np.tile(picture(20), (1, 3, 1))]]
    stretch = frozen.transform(cells)
    for scaling in ("fit", "crop"):
        other = Image(backbone=TINY, weights=weights, size=64, scaling=scaling).transform(cells)
        assert not torch.equal(other[0][0]["features"], stretch[0][0]["features"])


def test_same_content_is_computed_once(frozen, tmp_path, caplog):
    image = PILImage.fromarray(picture())
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.png")
    paths = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    with caplog.at_level(logging.INFO, "mmgraph"):
        [[a, b], [c]] = frozen.transform([paths, paths[:1]])
    assert caplog.messages == [f"photo: computing features of 1 images ({TINY}, 64 px)"]
    assert torch.equal(a["features"], b["features"])
    assert torch.equal(a["features"], c["features"])


def test_without_cache_nothing_is_written(frozen, cache):
    cells = [[picture()], [picture()]]
    frozen.cache = False
    fitted = frozen.fit(cells)
    same(fitted.transform(cells), frozen.transform(cells), atol=1e-5, rtol=1e-4)
    assert not cache.exists()


def test_fit_measures_every_channel_over_all_regions(frozen):
    cells = [[picture()], [picture(), picture()]]
    fitted = frozen.fit(cells)
    features = torch.cat([i["features"] for cell in fitted.transform(cells) for i in cell])
    assert features.shape == (12, 400)
    torch.testing.assert_close(fitted.mean_, features.mean(0), atol=1e-5, rtol=1e-4)
    std = features.std(0, correction=0)
    clear = std > 0.02 * std.mean()
    torch.testing.assert_close(fitted.std_[clear], std[clear], atol=1e-5, rtol=1e-4)
    assert (fitted.std_ > 0).all()
    assert frozen.mean_ is None


def test_constant_features_have_a_deviation_of_one(frozen):
    fitted = Image(backbone=TINY, weights=frozen.weights, size=32).fit([[picture()]])
    assert torch.equal(fitted.std_, torch.ones(400))  # a single region


def test_fit_without_any_image(frozen):
    fitted = frozen.fit([[], []])
    assert fitted.region_shape() == (400, 2, 2)
    nodes = fitted.make_encoder(8)(fitted.collate(fitted.transform([[], []])))
    assert nodes.x.shape == (2, 0, 8)


def test_unreadable_images(frozen, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG but not really")
    cells = [[picture()], [str(broken), picture(), "missing.png"], ["missing.png"]]
    with pytest.raises(CellError, match=r"broken\.png") as caught:
        frozen.fit(cells)
    assert caught.value.row == 1
    frozen.unreadable = "missing"
    fitted = frozen.fit(cells)  # no warning, which would be an error here
    with pytest.warns(UserWarning, match="3 unreadable values in 3 rows") as warned:
        samples = fitted.transform(cells)
    assert len(warned) == 1
    assert [len(cell) for cell in samples] == [1, 1, 0]


@pytest.mark.parametrize("idle", [True, False])
def test_next_images_are_decoded_while_the_backbone_computes(frozen, monkeypatch, idle):
    monkeypatch.setattr(frozen_images, "_has_idle_core", lambda: idle)
    # Nothing takes longer than anything else.
    monkeypatch.setattr(frozen_images.time, "perf_counter", lambda: 0.0)
    cells = [[picture()] for _ in range(30)]
    frozen.cache = False
    decode, events, threads = frozen._pixels, [], set()

    def noted(raw):
        events.append("decoded")
        threads.add(threading.current_thread() is threading.main_thread())
        return decode(raw)

    backbone = frozen._load_backbone()
    backbone.register_forward_pre_hook(lambda *_: events.append("computing"))
    frozen._backbone = backbone
    monkeypatch.setattr(frozen, "_pixels", noted)
    expected = [frozen_images._run(backbone, {b"": decode(raw)}, "cpu")[b""] for [raw] in cells]
    events.clear()
    for [item], features in zip(frozen.transform(cells), expected, strict=True):
        torch.testing.assert_close(item["features"], torch.from_numpy(features))
    assert (events.count("decoded"), events.count("computing")) == (30, 4)
    assert threads == ({True, False} if idle else {True})
    # At most one batch is decoded ahead.
    for number, place in enumerate(np.flatnonzero(np.array(events) == "computing"), start=1):
        decoded = events[:place].count("decoded")
        assert min(30, 8 * number) <= decoded <= 8 * (number + idle)


def test_slow_decoding_goes_on_beside_busy_cores(frozen, monkeypatch):
    monkeypatch.setattr(frozen_images, "_has_idle_core", lambda: False)
    frozen.cache = False
    decode, threads = frozen._pixels, []

    def slow(raw):
        threads.append(threading.current_thread() is threading.main_thread())
        time.sleep(0.02)
        return decode(raw)

    monkeypatch.setattr(frozen, "_pixels", slow)
    frozen.transform([[picture()] for _ in range(30)])
    assert threads == [True] * 16 + [False] * 14


def test_a_broken_image_stops_before_the_rest_is_computed(frozen):
    cells = [[picture()] for _ in range(40)]
    cells[12] = [b"broken"]
    with pytest.raises(CellError, match="image of 6 bytes cannot be decoded") as caught:
        frozen.transform(cells)
    assert caught.value.row == 12
    hashes = [frozen._digest(raw) for [raw] in cells]
    assert len(frozen._feature_cache().get_many(hashes)) == 8
    cells[30] = ["missing.png"]
    with pytest.raises(CellError, match="image of 6 bytes") as caught:
        frozen.transform(cells)
    assert caught.value.row == 12


def test_a_cache_that_fails_is_told_of(frozen, cache):
    cache.write_text("no folder")
    with pytest.warns(UserWarning, match="features are not cached"):
        frozen.transform([[picture()] for _ in range(20)])


def test_root_is_where_relative_paths_begin(weights, tmp_path):
    PILImage.fromarray(picture()).save(tmp_path / "a.png")
    image = Image(backbone=TINY, weights=weights, size=64, root=tmp_path)
    same(image.transform([["a.png"]]), image.transform([[tmp_path / "a.png"]]))
    with pytest.raises(CellError, match="download"):
        image.transform([["https://example.org/a.png"]])


def test_save_and_load_need_neither_file_nor_package(frozen, tmp_path, monkeypatch, no_cnn):
    cells = [[picture()], [picture()]]
    fitted = frozen.fit(cells)
    expected = fitted.transform(cells)
    saved = tmp_path / "saved"
    saved.mkdir()
    state = json.loads(json.dumps(fitted.save(saved)))
    blank = Image("photo", backbone=TINY, weights="gone.safetensors", size=64)
    loaded = blank.load(saved, state)
    assert torch.equal(loaded.mean_, fitted.mean_)
    assert torch.equal(loaded.std_, fitted.std_)
    assert loaded.region_shape() == fitted.region_shape()
    monkeypatch.setenv("MMGRAPH_CACHE", str(tmp_path / "elsewhere"))
    same(loaded.transform(cells), expected, atol=1e-5, rtol=1e-4)
    no_cnn()  # and with the cache of before, the key is still the same
    monkeypatch.setenv("MMGRAPH_CACHE", str(tmp_path / "cache"))
    same(blank.load(saved, state).transform(cells), expected)


def test_save_and_load_of_trained_backbones(weights, tmp_path):
    for backbone in (None, TINY):
        image = Image(
            backbone=backbone, weights=weights if backbone else None, size=64, frozen=False
        ).fit([[picture()]])
        loaded = Image(backbone=backbone, size=64, frozen=False).load(
            tmp_path, image.save(tmp_path)
        )
        first, second = image.make_encoder(8), loaded.make_encoder(8)
        second.load_state_dict(first.state_dict())
        batch = image.collate(image.transform([[picture()]]))
        assert torch.equal(first.eval()(batch).x, second.eval()(batch).x)


def test_pretrained_backbone_is_trained_along(weights):
    image = Image(backbone=TINY, weights=weights, size=64, frozen=False).fit([[picture()]])
    encoder = image.make_encoder(8)
    batch = image.collate(image.transform([[picture()], [], [picture()]]))
    encoder(batch).x.pow(3).sum().backward()
    gradients = [p.grad for p in encoder.backbone.parameters()]
    assert all(g is not None and g.isfinite().all() for g in gradients)
    assert encoder(image.collate([[], []])).x.shape == (2, 0, 8)


def test_pixels_are_scaled():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # the middle third
    [[stretch]] = Image(backbone=None, size=30).transform([[wide]])
    [[fit]] = Image(backbone=None, size=30, scaling="fit").transform([[wide]])
    [[crop]] = Image(backbone=None, size=30, scaling="crop").transform([[wide]])
    for item in (stretch, fit, crop):
        assert item["pixels"].shape == (3, 30, 30)
        assert item["pixels"].dtype == torch.uint8
    assert stretch["pixels"][0, 15, [2, 15, 27]].tolist() == [0, 200, 0]
    assert stretch["pixels"][0, 0, 15] == 200
    assert fit["pixels"][0, 15, [2, 15, 27]].tolist() == [0, 200, 0]
    assert fit["pixels"][0, [2, 27], 15].tolist() == [255, 255]
    assert crop["pixels"][0, 15, [10, 15, 20]].tolist() == [200, 200, 200]


@pytest.mark.parametrize("scaling", ["stretch", "fit", "crop"])
@pytest.mark.parametrize("shape", [(1, 900), (900, 1), (1, 1)])
def test_extreme_proportions(scaling, shape):
    image = Image(backbone=None, size=16, scaling=scaling)
    [[item]] = image.transform([[np.zeros(shape, np.uint8)]])
    assert item["pixels"].shape == (3, 16, 16)


def test_augmentation_changes_trained_pixels_only(frozen):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        image = Image(backbone=None, size=32)
        [[item]] = image.transform([[picture()]])
        before = item["pixels"].clone()
        changed = image.augment(item)["pixels"]
        assert changed.shape == before.shape
        assert changed.dtype == torch.uint8
        assert not torch.equal(changed, before)
        assert torch.equal(item["pixels"], before)
        still = Image(backbone=None, size=32, rotation=0.0, flip=False, color=0.0)
        assert torch.equal(still.augment(item)["pixels"], before)
    [[item]] = frozen.transform([[picture()]])
    assert frozen.augment(item) is item


def test_collate_and_encode_follow_the_samples(frozen):
    cells = [[picture()], [], [picture(), picture()]]
    for image in (frozen.fit(cells), Image(backbone=None, size=32).fit(cells)):
        items = image.collate(image.transform(cells))
        assert items.length.tolist() == [4, 4, 4]
        assert items.sample.tolist() == [0, 2, 2]
        nodes = image.make_encoder(8)(items)
        assert nodes.mask.sum(1).tolist() == [4, 0, 8]
        for empty in ([], [[], []]):
            nodes = image.make_encoder(8)(image.collate(empty))
            assert nodes.x.shape == (len(empty), 0, 8)


def test_places_are_fractions_in_reading_order():
    image = Image(backbone=None, size=64)
    [[item]] = image.transform([[picture()]])
    place = image.place(item, 6)
    assert place.label == "row 2, column 3"
    assert place.box == (0.5, 0.25, 0.75, 0.5)


def test_relation_is_the_grid_of_the_regions(frozen):
    grid = frozen.relations()["grid"]
    assert (grid.rows, grid.columns) == (2, 2)
    grid = Image(backbone=None, size=160).relations()["grid"]
    assert (grid.rows, grid.columns) == (10, 10)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a.png", "b/c.JPG"], True),
        ([Path("a.webp")], True),
        (["a.png", "a sentence"], False),
        (["a.wav"], False),
        ([], False),
        ([PILImage.new("L", (2, 2))], True),
        ([b"\x89PNG\r\n"], True),
        ([b"RIFF....WEBP"], True),
        ([b"RIFF....WAVE"], False),
        ([np.zeros((8, 8, 3))], True),
        ([np.zeros((8, 8), np.uint8)], True),
        ([np.zeros((8, 8))], False),
        ([np.zeros(8)], False),
        ([1.5], False),
    ],
)
def test_accepts(values, expected):
    assert Image.accepts(values) is expected


def test_nonsense_is_refused_at_once():
    with pytest.raises(ValueError, match="size=0"):
        Image(size=0)
    # TypeError where annotations are checked, as in these tests
    with pytest.raises((ValueError, TypeError), match="scaling"):
        Image(scaling="squash")


def test_default_backbone_gives_25_regions():
    image = Image(size=160)
    fitted = image.fit([[picture(50)]])
    [[item]] = fitted.transform([[picture(50)]])
    assert item["features"].shape == (25, 1472)
    assert item["features"].isfinite().all()
    assert fitted.region_shape() == (1472, 5, 5) == image.region_shape()


def test_import_is_light():
    code = (
        "import sys, mmgraph.modalities.image, mmgraph.nn.encoders.image;"
        "heavy = {'timm', 'torchvision', 'pandas', 'sklearn', 'torch_geometric'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    root = str(Path(__file__).parents[2])
    result = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {root!r}); {code}"],
        *(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
