"""Hashes of a text's character and word n-grams, which need no vocabulary and no language."""

from __future__ import annotations

import unicodedata

import numpy as np
from jaxtyping import Int

from mmgraph.modalities.stop_words import blank_stop_words

#: What lies behind this many characters adds little to a bag.
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
    space = codes == _SPACE
    # Number of spaces up to each place: n-grams with one inside are between words.
    spaces = np.concatenate([[0], space.cumsum()])
    found = []
    for length in _CHARACTER_LENGTHS:
        count = len(codes) - length + 1
        if count < 1:
            break
        hashes = np.full(count, length, dtype=np.uint64)
        for place in range(length):
            hashes = hashes * _STEP + codes[place : place + count]
        inside = spaces[length - 1 : length - 1 + count] - spaces[1 : 1 + count]
        found.append(_mix(hashes[(inside == 0) if length > 2 else slice(None)]))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def word_ngrams(text: str, stop_words: frozenset[str] = frozenset()) -> Int[np.ndarray, "ngrams"]:
    """Hash all words, and pairs of neighbouring words, of the normalised, case-folded text."""
    codes = _codes(text, stop_words)
    starts = np.flatnonzero(codes[:-1] == _SPACE)  # every word stands behind a space
    if not len(starts):
        return np.zeros(0, dtype=np.int64)
    place = np.arange(len(codes) - 1) - np.repeat(starts, np.diff([*starts, len(codes) - 1]))
    powers = np.cumprod(np.full(int(place.max()) + 1, _STEP, dtype=np.uint64))
    words = _mix(np.add.reduceat(codes[:-1] * powers[place], starts)).view(np.uint64)
    pairs = _mix(words[:-1] * _STEP + words[1:])
    return np.concatenate([words.view(np.int64), pairs])


def _codes(text: str, stop_words: frozenset[str]) -> np.ndarray:
    """Return code points of the words, a space in front of each and behind the last."""
    if stop_words:
        text = blank_stop_words(text, stop_words)
    text = unicodedata.normalize("NFKC", text[:_MAX_CHARACTERS]).casefold()
    padded = f" {' '.join(text.split())} " if text.split() else ""
    return np.frombuffer(padded.encode("utf-32-le"), dtype=np.uint32).astype(np.uint64)


def _mix(hashes: np.ndarray) -> Int[np.ndarray, "_"]:
    """Spread the hashes over all bits, so that sums of them do not collide."""
    mixed = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    return (mixed ^ (mixed >> np.uint64(29))).view(np.int64)
