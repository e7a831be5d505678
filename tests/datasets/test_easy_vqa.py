import sys

import pytest

from mmgraph import MissingPackageError
from mmgraph.datasets import load_easy_vqa

pytest.importorskip("easy_vqa")


def test_published_counts():
    # https://github.com/vzhou842/easy-VQA#about-the-dataset
    frame = load_easy_vqa().frame
    train, test = frame[frame["split"] != "test"], frame[frame["split"] == "test"]
    assert (len(train), train["image_id"].nunique()) == (38_575, 4_000)
    assert (len(test), test["image_id"].nunique()) == (9_673, 1_000)
    assert (train["kind"] == "yes/no").sum() == 28_407
    assert (test["kind"] == "yes/no").sum() == 7_136
    assert frame["answer"].nunique() == 13


def test_validation_images_are_not_trained_on():
    frame = load_easy_vqa().frame
    assert frame.groupby("image_id")["split"].nunique().max() == 1
    assert frame.groupby("image_id")["image"].nunique().max() == 1
    assert frame["image"].nunique() == frame["image_id"].nunique()
    share = frame[frame["split"] == "val"]["image_id"].nunique() / 4_000
    assert share == 0.1


def test_kind_goes_by_what_can_be_answered():
    row = load_easy_vqa().frame.iloc[0]
    assert (row["question"], row["answer"], row["kind"]) == (
        "what is the blue shape?",
        "rectangle",
        "what",
    )
    assert row["image"].endswith("0.png")


def test_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "easy_vqa", None)
    with pytest.raises(MissingPackageError, match=r'pip install "mmgraph\[datasets\]"'):
        load_easy_vqa()
