from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph.modalities.tokens.tokenizer import SentencePieceTokenizer, clean_text

TEXTS = ["the cat sat on the mat", "今天天气很好", "a dog ran", "de\u0301ja\u0300 vu 🎉"] * 3
TOKENIZER = SentencePieceTokenizer.train(TEXTS)


def slices(text, tokenizer=TOKENIZER):
    ids, spans = tokenizer.encode(text)
    return [(tokenizer.piece(int(i)), text[a:b]) for i, (a, b) in zip(ids, spans, strict=True)]


def test_offsets_are_characters_of_the_original():
    found = slices("今天 🎉 \uff34\uff28\uff25 de\u0301")
    assert "".join(text for _, text in found) == "今天🎉\uff34\uff28\uff25de\u0301"
    by_text = {text: piece for piece, text in found}
    assert by_text["🎉"] == "🎉"
    assert "e\u0301" in "".join(text for _, text in found)


def test_unseen_characters_are_bytes_that_span_the_character():
    assert [text for _, text in slices("狗 cat")][:3] == ["狗"] * 3
    assert [piece for piece, _ in slices("狗")] == ["<0xE7>", "<0x8B>", "<0x97>"]


def test_a_character_that_becomes_several_is_in_all_spans():
    spans = [text for _, text in slices("ﬁ")]
    assert spans
    assert set(spans) == {"ﬁ"}


def test_offsets_survive_white_space_and_invisible_characters():
    text = "  The\u200b \n\t cat  "
    assert "".join(part for _, part in slices(text)).replace("\u200b", "") == "Thecat"


@given(st.text(st.characters(), max_size=40))
@settings(max_examples=300, deadline=None)
def test_spans_ascend_and_cover_all_visible_text(text):
    ids, spans = TOKENIZER.encode(text)
    assert len(ids) == len(spans)
    assert ids.dtype == spans.dtype == np.int64
    assert (ids > 1).all()
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (np.diff(spans, axis=0) >= 0).all()
    covered = {place for start, end in spans for place in range(start, end)}
    assert all(
        place in covered for place, letter in enumerate(text) if letter.isalnum()
    ), text  # fmt: skip


@pytest.mark.parametrize("model_type", ["unigram", "bpe"])
@pytest.mark.parametrize("size", [1, 500, 8000])
@pytest.mark.parametrize(
    "texts",
    [[], [""], ["a"], ["\u200b"], ["\u2585"], ["🎉"], ["".join(map(chr, range(0x4E00, 0x6000)))]],
    ids=["none", "empty", "letter", "invisible", "reserved", "emoji", "many characters"],
)
def test_vocabulary_adapts(texts, size, model_type, capfd):
    tokenizer = SentencePieceTokenizer.train(texts, vocabulary_size=size, model_type=model_type)
    assert 258 < len(tokenizer) <= max(size, 322)
    ids, spans = tokenizer.encode("a 一!")
    assert spans[0].tolist() == [0, 1]
    assert spans[-1].tolist() == [3, 4]
    assert ids.max() < len(tokenizer)
    assert capfd.readouterr() == ("", "")


def test_long_texts_are_not_skipped():
    tokenizer = SentencePieceTokenizer.train(["zebra " * 2000 + "okapi " * 2000])
    assert [piece for piece, _ in slices("okapi zebra", tokenizer)] == ["okapi", "zebra"]


def test_training_is_deterministic_and_case_folded():
    again = SentencePieceTokenizer.train(TEXTS)
    assert again.to_bytes() == TOKENIZER.to_bytes()
    assert TOKENIZER.encode("THE CAT")[0].tolist() == TOKENIZER.encode("the cat")[0].tolist()


@pytest.mark.parametrize(
    "twin",
    [
        lambda t: pickle.loads(pickle.dumps(t)),
        copy.deepcopy,
        lambda t: SentencePieceTokenizer(t.to_bytes()),
    ],
)
def test_round_trip(twin):
    assert (
        twin(TOKENIZER).encode("a cat 狗")[0].tolist() == TOKENIZER.encode("a cat 狗")[0].tolist()
    )


def test_padding_and_unknown_ids_are_reserved():
    assert TOKENIZER.piece(0) == "<pad>"
    assert TOKENIZER.piece(1) == "<unk>"


def test_clean_text_keeps_positions():
    assert clean_text("a\x00b\ud800c") == "a b c"


def test_import_is_light():
    heavy = ["sentencepiece", "transformers", "sklearn", "stopwordsiso", "pandas"]
    code = f"import sys, mmgraph.modalities.text; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
