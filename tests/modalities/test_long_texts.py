"""Long texts are cut before they are split, and the tokens that are kept stay the same."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmgraph import Text
from mmgraph.modalities.tokens.stop_words import find_stop_words, in_stop_words

TRAINING = [
    ["the quick brown fox jumps over the lazy dog, and a dog is not a fox"],
    ["東京は日本の首都です。人口は千四百万人です。日本の東京"],
    ["der schnelle Fuchs springt über den faulen Hund"],
] * 4
WORDS = (
    *("the", "quick", "brown", "fox", "Fuchs", "über", "a", "東京は日本", "首都です。", "👩‍👩‍👧"),
    *("ﬁt", "e\u0301\u0301", "x\u00a0y", "\u200b", "שלום", "…", "123", "dog,"),
)


@pytest.fixture(scope="module", params=["unigram", "bpe"])
def fitted(request):
    text = Text("text", features=None, model_type=request.param, max_tokens=20)
    return text.fit(TRAINING)


def whole(fitted, text):
    """Split all of a text, and cut it then."""
    ids, spans = fitted.tokenizer_.encode(text)
    stop_words = find_stop_words(fitted.stop_words)
    if stop_words:
        kept = ~in_stop_words(text, spans, stop_words)
        ids, spans = ids[kept], spans[kept]
    return ids[: fitted.max_tokens], spans[: fitted.max_tokens]


@settings(max_examples=40)
@given(
    words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=12),
    repeats=st.integers(1, 150),
    joint=st.sampled_from([" ", "", "\n", "  "]),
    stop_words=st.sampled_from([None, ["the", "a", "quick"]]),
)
def test_tokens_are_those_of_the_whole_text(fitted, words, repeats, joint, stop_words):
    fitted.stop_words = stop_words
    text = joint.join(words * repeats)
    ((ids, spans),) = fitted._encode([text])
    expected_ids, expected_spans = whole(fitted, text)
    np.testing.assert_array_equal(ids, expected_ids)
    np.testing.assert_array_equal(spans, expected_spans)


@pytest.mark.parametrize("unit", ["👩‍👩‍👧‍👦", "a", " ", "\u200b", "日本語"])
def test_a_megabyte_takes_no_longer_than_a_page(fitted, unit):
    fitted.stop_words = ["the"]
    long, page = (unit * (size // len(unit)) for size in (10**6, 10**4))
    start = time.perf_counter()
    ((item,),) = fitted.transform([[long]])
    assert time.perf_counter() - start < 10  # all of the text took 20 s of emoji
    ((short,),) = fitted.transform([[page]])
    assert item["ids"].tolist() == short["ids"].tolist()
