"""Raw values without some of their parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph import Image, Text, Video
from mmgraph.modalities.parts.base import WholeValue
from mmgraph.modalities.parts.choice import take_apart, uncropped
from mmgraph.modalities.parts.pictures import Regions
from mmgraph.modalities.parts.words import Words


@settings(max_examples=25)
@given(st.text(max_size=60), st.integers(0, 2**32 - 1))
def test_words_of_any_text(text, seed):
    words = Words(text)
    assert words.keep(np.ones(len(words.places), bool)) == text
    for place in words.places:
        start, end = map(int, place.span)
        assert words.text[start:end] == place.label
    kept = np.random.default_rng(seed).random(len(words.places)) < 0.5
    left = words.keep(kept)
    assert len(left) <= len(text)
    for place, keeps in zip(words.places, kept, strict=True):
        assert not keeps or place.label in left or "  " in text


def test_scripts_without_spaces_are_taken_apart_by_letters():
    assert [place.label for place in Words("赤い猫 cat").places] == ["赤", "い", "猫", "cat"]


def test_long_texts_have_few_parts():
    words = Words(" ".join(map(str, range(1000))))
    assert len(words.places) == 60
    assert words.places[0].label == " ".join(map(str, range(17)))
    assert words.keep(np.arange(60) == 59).split() == list(map(str, range(984, 1000)))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, bool, np.uint16])
@pytest.mark.parametrize("shape", [(9, 11, 3), (3, 2), (7, 7, 4)])
def test_regions_of_arrays(tmp_path, dtype, shape):
    random = np.random.default_rng(0)
    pixels = (random.random(shape) * (1 if dtype in (np.float32, bool) else 250)).astype(dtype)
    regions = Regions(pixels, None, tmp_path)
    count = len(regions.places)
    assert count == min(5, shape[0]) * min(5, shape[1])
    assert regions.keep(np.ones(count, bool)) is pixels
    one = regions.keep(np.arange(count) != 0)
    assert one.dtype == pixels.dtype
    assert one.shape == pixels.shape
    left, top, right, bottom = regions.places[0].box
    inside = np.zeros(shape[:2], bool)
    inside[: round(bottom * shape[0]), : round(right * shape[1])] = True
    assert (left, top) == (0, 0)
    assert (one[~inside] == pixels[~inside]).all()
    assert len(np.unique(one[inside].reshape(inside.sum(), -1), axis=0)) == 1


def test_all_else_is_a_whole(tmp_path):
    whole = take_apart(Video("film"), "a.mp4", tmp_path)
    assert isinstance(whole, WholeValue)
    assert whole.keep(np.array([True])) == "a.mp4"
    assert whole.keep(np.array([False])) is None


def test_boxes_are_of_whole_pictures():
    image, text = Image("photo", scaling="crop"), Text("title")
    assert uncropped(image).scaling == "stretch"
    assert image.scaling == "crop"
    assert uncropped(text) is text
