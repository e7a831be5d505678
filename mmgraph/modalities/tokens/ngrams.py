"""Hashes of a text's character and word n-grams, which need no vocabulary and no language."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np
from jaxtyping import Int

from mmgraph.modalities.tokens.stop_words import WORD, blank_stop_words, in_stop_words

#: What lies behind this many characters adds little to the pooled features.
_MAX_CHARACTERS = 20_000
_CHARACTER_LENGTHS = (2, 3, 4, 5)
_SPACE = ord(" ")
#: Odd multipliers of polynomial hashes modulo 2^64; Knuth's and one from SplitMix64.
_STEP, _MIX = np.uint64(6364136223846793005), np.uint64(0xBF58476D1CE4E5B9)


def character_ngrams(
    text: str, stop_words: frozenset[str] = frozenset()
) -> Int[np.ndarray, "ngrams"]:
    """Hash all n-grams of 2 to 5 characters within words and their bounding spaces.

    As scikit-learn's "char_wb", of the normalised, case-folded text.
    """
    codes = _codes(text, stop_words)
    found = []
    for length, starts in _character_starts(codes):
        hashes = np.full(len(starts), length, dtype=np.uint64)
        for place in range(length):
            hashes = hashes * _STEP + codes[starts + place]
        found.append(_mix(hashes))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def _character_starts(codes: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Return the lengths of character n-grams, and where those of each begin."""
    # Number of spaces up to each place: n-grams with one inside are between words.
    spaces = np.concatenate([[0], (codes == _SPACE).cumsum()])
    for length in _CHARACTER_LENGTHS:
        count = len(codes) - length + 1
        if count < 1:
            break
        inside = spaces[length - 1 : length - 1 + count] - spaces[1 : 1 + count]
        yield length, np.flatnonzero(inside == 0) if length > 2 else np.arange(count)


def word_ngrams(text: str, stop_words: frozenset[str] = frozenset()) -> Int[np.ndarray, "ngrams"]:
    """Hash all words, and pairs of neighbouring words, of the normalised, case-folded text."""
    codes = _codes(text, stop_words)
    starts = _word_starts(codes)
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    place = np.arange(len(codes) - 1) - np.repeat(starts, np.diff([*starts, len(codes) - 1]))
    powers = np.cumprod(np.full(int(place.max()) + 1, _STEP, dtype=np.uint64))
    words = _mix(np.add.reduceat(codes[:-1] * powers[place], starts)).view(np.uint64)
    pairs = _mix(words[:-1] * _STEP + words[1:])
    return np.concatenate([words.view(np.int64), pairs])


def _word_starts(codes: np.ndarray) -> np.ndarray:
    """Return the space in front of each word."""
    return np.flatnonzero(codes[:-1] == _SPACE)


def ngram_spans(
    text: str, stop_words: frozenset[str] = frozenset()
) -> tuple[Int[np.ndarray, "characters 2"], Int[np.ndarray, "words 2"]]:
    """Return which characters of the text the n-grams of both kinds cover, as (start, end).

    In the order of `character_ngrams` and `word_ngrams`. The spaces that bound a word count as
    parts of it that cover nothing.

    Example:
        >>> characters, words = ngram_spans("A  dog")
        >>> words.tolist(), characters[:3].tolist()
        ([[0, 1], [3, 6], [0, 6]], [[0, 1], [0, 1], [3, 4]])
    """
    codes = _codes(text, stop_words)
    solid = codes != _SPACE
    place = np.zeros(len(codes), dtype=np.int64)
    place[solid] = _places(text, stop_words)

    def cover(starts: np.ndarray, ends: np.ndarray) -> Int[np.ndarray, "ngrams 2"]:
        # A space at either end covers nothing.
        first, last = starts + ~solid[starts], ends - 1 - ~solid[ends - 1]
        return np.stack([place[first], place[last] + 1], axis=1)

    none = np.zeros((0, 2), dtype=np.int64)
    characters = [cover(starts, starts + length) for length, starts in _character_starts(codes)]
    starts = _word_starts(codes)
    if not len(starts):
        return none, none
    ends = np.append(starts[1:], len(codes) - 1)
    words = [cover(starts, ends), cover(starts[:-1], ends[1:])]
    return np.concatenate([none, *characters]), np.concatenate(words)


def _places(text: str, stop_words: frozenset[str]) -> Int[np.ndarray, "characters"]:
    """Return the position in the text that each normalised character comes from, without spaces."""
    shown, position = blank_stop_words(text, stop_words), np.arange(len(text))
    for start, end in _stop_spans(text, stop_words)[::-1]:
        position = np.concatenate([position[:start], [start], position[end:]])
    position = position[:_MAX_CHARACTERS]
    folded = [unicodedata.normalize("NFKC", each).casefold() for each in shown[:_MAX_CHARACTERS]]
    whole = _fold(shown)
    if "".join(folded) == whole:
        position = position.repeat([len(each) for each in folded])
    else:  # accents that were characters of their own were joined to letters
        position = position[np.arange(len(whole)) * len(position) // max(len(whole), 1)]
    return position[[not each.isspace() for each in whole]]


def _codes(text: str, stop_words: frozenset[str]) -> np.ndarray:
    """Return code points of the words, a space in front of each and behind the last."""
    words = _fold(blank_stop_words(text, stop_words)).split()
    padded = f" {' '.join(words)} " if words else ""
    return np.frombuffer(padded.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).casefold()


def _stop_spans(text: str, stop_words: frozenset[str]) -> Int[np.ndarray, "words 2"]:
    """Return where stop words begin and end."""
    if not stop_words:
        return np.zeros((0, 2), dtype=np.int64)
    spans = np.array([match.span() for match in WORD.finditer(text)]).reshape(-1, 2).astype(int)
    return spans[in_stop_words(text, spans, stop_words)]


def _mix(hashes: np.ndarray) -> Int[np.ndarray, "_"]:
    """Spread the hashes over all bits, so that sums of them do not collide."""
    mixed = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    return (mixed ^ (mixed >> np.uint64(29))).view(np.int64)
