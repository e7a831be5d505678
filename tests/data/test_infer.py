import logging

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as PILImage

from mmgraph import DataError, Image, Text
from mmgraph.data.infer import infer_modalities
from mmgraph.modalities.features import Features
from mmgraph.modalities.tabular import Tabular

SENTENCES = ["A red rose.", "The sea is blue", "three small birds"]
VECTOR = np.zeros(5, np.float32)


def infer(columns, **options):
    return [
        (type(modality), modality.columns)
        for modality in infer_modalities(pd.DataFrame(columns), **options)
    ]


def left_out(caplog, columns, **options):
    """Return what was chosen, and what the log says was not."""
    with caplog.at_level(logging.INFO, "mmgraph"):
        chosen = infer(columns, **options)
    return chosen, caplog.messages[-1].split("columns not used: ")[1]


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


@pytest.mark.parametrize(
    "values",
    [
        [VECTOR, None, VECTOR],
        [np.zeros((3, 5)), np.zeros((1, 5)), np.zeros((0, 5))],
        [torch.zeros(5)] * 3,
        [[0.5, 1.5], [0.5, 2.5], [1.0, 2.0]],
        [[[0.5, 1.5], [1, 2]], [[1, 2]], None],
        ["[0.1, 0.2]", "[0.3, 0.4]", "[1, 2]"],
        ["a.npy", "b.npz", None],
        [b"\x93NUMPY\x01", b"\x93NUMPY\x01", b""],
    ],
)
def test_features(values):
    assert infer({"vector": values}) == [(Features, "vector")]


@pytest.mark.parametrize(
    "values",
    [
        [1.5, 2.5, 3.5],
        [7, None, 5],
        ["3.5", "4", "-1e3"],
        ["a", "b", "a"],
        [True, False],
        pd.to_datetime(["2020-01-01", "2020-01-02", None]),
        ["2020-01-01", "2020-01-02 10:30", None],
    ],
)
def test_tables(values):
    assert infer({"column": values}) == [(Tabular, ["column"])]


def test_tabular_columns_come_together_and_last():
    columns = {"age": [3.5, 4.5, 1.0], "caption": SENTENCES, "kind": ["a", "b", "a"]}
    assert infer(columns) == [(Text, "caption"), (Tabular, ["age", "kind"])]


def test_what_is_none_of_these_is_left_out(caplog):
    columns = {
        "caption": SENTENCES,
        "name": ["Ann", "Bob", "Eve"],
        "empty": [None] * 3,
        "mixed": ["a red rose", 4, "a blue sky"],
        "ragged": [np.zeros(3), np.zeros(4), np.zeros(5)],
        7: SENTENCES,
    }
    with pytest.warns(UserWarning, match=r"not used: \['name', 'empty', 'mixed', 'ragged'\]"):
        chosen, left = left_out(caplog, columns)
    assert chosen == [(Text, "caption")]
    named = "its name is no string: frame.columns = frame.columns.map(str)"
    assert left == f"'name', 'empty', 'mixed', 'ragged', 7 ({named})"


def test_constants_and_identifiers_are_left_out(caplog):
    rows = 40
    random = np.random.default_rng(0)
    columns = {
        "constant": [3.5] * rows,
        "seen": [True] * 39 + [None],  # whether it is there can tell something
        "number": random.permutation(rows),
        "user_id": random.permutation(10**6)[:rows],
        "userId": [str(value) for value in random.permutation(10**6)[:rows]],
        "paid": random.permutation(10**6)[:rows],
        "weight": random.normal(size=rows),
        "year": [1990 + row // 2 for row in range(rows)],
    }
    chosen, left = left_out(caplog, {name: list(values) for name, values in columns.items()})
    assert chosen[-1] == (Tabular, ["seen", "paid", "weight", "year"])
    assert left == (
        "'constant' (constant), 'number' (looks like an identifier), "
        "'user_id' (looks like an identifier), 'userId' (looks like an identifier)"
    )


def test_labels_are_no_input():
    columns = {"caption": SENTENCES, "category": ["red things", "blue things", "many birds"]}
    assert infer(columns, exclude=["category"]) == [(Text, "caption")]


def test_labels_in_other_words_are_no_input(caplog):
    labels = ["cat", "dog", "cat", "dog", "emu", "emu"]
    columns = {
        "label": labels,
        "code": [4.5, 7.0, 4.5, 7.0, 1.0, 1.0],
        "size": [1.5, 7.5, 2.5, 7.5, 1.0, 1.0],
    }
    chosen, left = left_out(caplog, columns, labels=np.array(labels))
    assert chosen == [(Tabular, ["size"])]
    assert left == "'label' (repeats the labels), 'code' (repeats the labels)"


def test_numbers_to_predict_are_not_repeated_by_other_numbers():
    columns = {"size": [1.5, 7.5, 2.5], "price": [10.5, 70.0, 30.0]}
    assert infer(columns, labels=[10.5, 70.0, 30.0]) == [(Tabular, ["size"])]


def test_choice_is_logged(caplog):
    with caplog.at_level(logging.INFO, "mmgraph"), pytest.warns(UserWarning, match="'name'"):
        infer({"photo": ["a.png"] * 3, "caption": SENTENCES, "name": ["x", "y", "z"]})
    (message,) = caplog.messages
    assert "[Image('photo'), Text('caption')]; columns not used: 'name'" in message


def test_nothing_found_says_what_to_do():
    with pytest.raises(DataError, match=r"not used: 'row' .*name the modalities, for example"):
        infer({"row": [1, 2, 3]})
