import logging

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage

from mmgraph import DataError, Image, Text
from mmgraph.modalities.infer import infer_modalities

SENTENCES = ["A red rose.", "The sea is blue", "three small birds"]


def infer(columns, **options):
    return [
        (type(modality), modality.columns)
        for modality in infer_modalities(pd.DataFrame(columns), **options)
    ]


@pytest.mark.parametrize(
    "values",
    [
        ["a.png", "b/c.JPG", None],
        [np.zeros((4, 4, 3), np.uint8)] * 3,
        [PILImage.new("RGB", (4, 4))] * 3,
        [b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b""],
        [["a.png", "b.png"], [], ["c.webp"]],
    ],
)
def test_images(values):
    assert infer({"photo": values}) == [(Image, "photo")]


@pytest.mark.parametrize(
    "values",
    [SENTENCES, [*SENTENCES[:2], None], [SENTENCES[:2], [], SENTENCES[2:]], ["红色的玫瑰", "蓝天"]],
)
def test_texts(values):
    assert infer({"caption": values}) == [(Text, "caption")]


def test_what_is_neither_is_left_out():
    columns = {
        "caption": SENTENCES,
        "price": [1.5, 2.5, 3.5],
        "kind": ["a", "b", "a"],
        "seen": pd.to_datetime(["2020-01-01"] * 3),
        "empty": [None] * 3,
        "mixed": ["a red rose", 4, "a blue sky"],
        "sound": ["a.wav", "b.wav", "c.wav"],
        7: SENTENCES,
    }
    assert infer(columns) == [(Text, "caption")]


def test_labels_are_no_input():
    columns = {"caption": SENTENCES, "category": ["red things", "blue things", "many birds"]}
    assert infer(columns, exclude="category") == [(Text, "caption")]


def test_choice_is_logged(caplog):
    with caplog.at_level(logging.INFO, "mmgraph"):
        infer({"photo": ["a.png"] * 3, "caption": SENTENCES, "price": [1, 2, 3], "y": [0, 1, 0]})
    (message,) = caplog.messages
    assert "[Image('photo'), Text('caption')" in message
    assert "columns not used: ['price', 'y']" in message


def test_nothing_found_says_what_to_do():
    with pytest.raises(DataError, match=r"name the modalities, for example \[Image"):
        infer({"price": [1, 2, 3]})
