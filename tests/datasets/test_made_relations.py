import io
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import RidgeClassifier

from mmgraph.datasets import RELATION_KINDS, make_relations
from mmgraph.testing import check_reader

#: Kinds whose answer is drawn before drawings and words.
BALANCED = ("exclusive_or", "binding", "spatial", "counting", "odd_one_out")


@pytest.mark.parametrize("kind", RELATION_KINDS)
def test_keeps_what_readers_promise(kind):
    check_reader(lambda: make_relations(kind, 40))


@pytest.mark.parametrize("kind", RELATION_KINDS)
def test_same_seed_gives_the_same_rows(kind):
    first, again, other = (make_relations(kind, 20, seed=seed).frame for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert first["image"].tolist() != other["image"].tolist()


@pytest.mark.parametrize("kind", BALANCED)
def test_answers_are_even(kind):
    counts = Counter(make_relations(kind, 1_000).frame["label"])
    assert set(counts) == {"yes", "no"}
    # Five standard deviations of a fair coin.
    assert abs(counts["yes"] - 500) < 5 * (1_000 / 4) ** 0.5


def _thumbnail(cell):
    """Return small colour pictures, one behind the other, and how much of each colour there is."""
    images = [
        PILImage.open(io.BytesIO(each)) for each in (cell if isinstance(cell, list) else [cell])
    ]
    x = np.stack([np.asarray(each, dtype=float) / 255 for each in images])
    small = x.reshape(len(x), 8, 8, 8, 8, 3).mean((2, 4))
    colours = (x.reshape(len(x), -1, 3)[:, :, None] < 0.5).mean(1)
    return np.concatenate([small.ravel(), small.mean(0).ravel(), colours.ravel()])


@pytest.mark.parametrize("kind", BALANCED)
def test_no_modality_and_no_sum_tells_the_answer(kind):
    frame = make_relations(kind, 1_500).frame
    words = CountVectorizer(ngram_range=(1, 5), token_pattern=r"\w+").fit_transform(frame["text"])
    pictures = np.stack([_thumbnail(cell) for cell in frame["image"]])
    train, test = slice(0, 1_000), slice(1_000, None)
    for x in (words.toarray(), pictures, np.hstack([words.toarray(), pictures])):
        model = RidgeClassifier(alpha=10).fit(x[train], frame["label"][train])
        # Five standard deviations of guessing.
        assert abs(model.score(x[test], frame["label"][test]) - 0.5) < 5 * (1 / 4 / 500) ** 0.5


def test_additive_is_what_the_two_numbers_sum_to():
    frame = make_relations("additive", 60).frame
    numbers = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
    told = frame["text"].str.split().str[1].map(numbers)
    drawn = frame["image"].map(_dots)
    assert ((told + drawn > 5) == (frame["label"] == "yes")).all()


def _dots(file):
    """Count the blue discs by flooding."""
    x = np.asarray(PILImage.open(io.BytesIO(file)))[:, :, 0] < 128
    todo, count = {tuple(each) for each in np.argwhere(x)}, 0
    while todo:
        count, edge = count + 1, [todo.pop()]
        while edge:
            row, column = edge.pop()
            near = {
                (row + 1, column),
                (row - 1, column),
                (row, column + 1),
                (row, column - 1),
            } & todo
            todo -= near
            edge += near
    return count


def test_questions_of_a_dialogue_need_its_first_turn():
    data = make_relations("earlier_turn", 400)
    for _, turns in data.frame.groupby("dialogue"):
        assert turns["turn"].tolist() == [0, 1, 2, 3]
        assert turns["label"].iloc[0] == "stated"
        assert turns["image"].iloc[0] is None
        assert set(turns["label"].iloc[1:]) <= {"yes", "no"}
        assert turns["text"].iloc[1:].nunique() == 1
        assert turns["split"].nunique() == 1
    assert data.groups == "dialogue"
    assert [link.column for link in data.links] == ["dialogue"]


def test_kinds_are_listed_in_the_error():
    with pytest.raises(ValueError, match="did you mean 'spatial'"):
        make_relations("spacial")
    with pytest.raises(ValueError, match="at least 10 rows"):
        make_relations("spatial", 3)
