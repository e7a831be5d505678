"""Stop words, and which tokens they cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int

from mmgraph.errors import DataError, MissingPackageError

WORD = re.compile(r"\w+(?:['\u2019]\w+)*")
# Scripts without spaces between words: Thai to Khmer, kana, Chinese characters.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
UNSPACED_WORD = re.compile(f"[{_UNSPACED}]+")


def find_stop_words(choice: str | Sequence[str] | None) -> frozenset[str]:
    """Return case-folded stop words of a language, or those given; none for None.

    Raises:
        MissingPackageError: The language needs `mmgraph[stopwords]`.
        DataError: There is no list for the language.
    """
    if choice is None:
        return frozenset()
    words = _language_stop_words(choice) if isinstance(choice, str) else choice
    return frozenset(_fold(word) for word in words)


def _fold(word: str) -> str:
    return word.casefold().replace("\u2019", "'")


@lru_cache
def _language_stop_words(language: str) -> frozenset[str]:
    try:
        import stopwordsiso
    except ImportError as error:
        if language == "en":
            from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

            return frozenset(ENGLISH_STOP_WORDS)
        raise MissingPackageError(
            f'stop_words={language!r} needs stopwordsiso: pip install "mmgraph[stopwords]"; or'
            " give the words as a list"
        ) from error
    if not stopwordsiso.has_lang(language):
        known = ", ".join(sorted(stopwordsiso.langs()))
        raise DataError(
            f"stop_words={language!r}: expected a list of words or one of the languages {known}"
        )
    return frozenset(stopwordsiso.stopwords(language))


def blank_stop_words(text: str, stop_words: frozenset[str]) -> str:
    """Return the text with a space for each stop word.

    Example:
        >>> blank_stop_words("The cat's in", frozenset({"the", "in"}))
        "  cat's  "
    """
    if not stop_words:
        return text
    return WORD.sub(lambda match: " " if _fold(match[0]) in stop_words else match[0], text)


def in_stop_words(
    text: str, spans: Int[np.ndarray, "tokens 2"], stop_words: frozenset[str]
) -> Bool[np.ndarray, "tokens"]:
    """Say which tokens lie inside a stop word.

    Where a script has no spaces, words are not known, and the tokens themselves are compared.
    """
    covered = np.zeros(len(text) + 1, bool)
    for match in WORD.finditer(text):
        if _fold(match[0]) in stop_words:
            covered[match.start() : match.end()] = True
    for start, end in spans:
        token = text[start:end]
        if UNSPACED_WORD.fullmatch(token) and token in stop_words:
            covered[start:end] = True
    running = np.concatenate([[0], covered.cumsum()])
    width = spans[:, 1] - spans[:, 0]
    return (width > 0) & (running[spans[:, 1]] - running[spans[:, 0]] == width)
