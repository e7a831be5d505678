"""Rows that look or read alike: thumbnails of pictures, shingles of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from PIL import Image as PILImage

from mmgraph.errors import CellError
from mmgraph.modalities.decoding.files import located
from mmgraph.modalities.decoding.image import decode_image
from mmgraph.modalities.image import Image
from mmgraph.modalities.tokens.stop_words import WORD

#: Pixels of a thumbnail's side.
_SIDE = 16
#: Pictures are alike whose thumbnails correlate as much, and whose colours differ by no more.
_CORRELATION, _COLOUR = 0.98, 0.02
#: Texts are alike that share as many of their shingles, each of so many letters.
_SHARED, _LETTERS = 0.8, 5
#: Rows that are compared with all others at once.
_BLOCK = 2000

#: Pairs of rows, the first one the smaller.
Pairs = Int[np.ndarray, "_ 2"]


def thumbnails(modality: Image, cells: Sequence[list[Any]]) -> Float[np.ndarray, "rows pixels"]:
    """Return the first picture of each row, small; NaN where there is none to be had."""
    found = np.full((len(cells), 3 * _SIDE**2), np.nan, dtype=np.float32)
    for row, cell in enumerate(cells):
        try:
            picture = decode_image(located(cell[0], modality.root)) if cell else None
        except CellError:
            continue
        if picture is not None:
            small = picture.resize((_SIDE, _SIDE), PILImage.Resampling.BOX)
            found[row] = np.asarray(small, dtype=np.float32).ravel() / 255
    return found


def alike_pictures(thumbnail: Float[np.ndarray, "rows pixels"]) -> Pairs:
    """Return pairs of rows whose pictures are the same but for size, format and compression."""
    there = np.flatnonzero(~np.isnan(thumbnail).any(1))
    x = thumbnail[there]
    centred = x - x.mean(1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    # Pictures of one colour have no pattern, and are told apart by the colour alone.
    unit = np.where(length > 0.1, centred / np.maximum(length, 1e-6), 0)
    flat = length[:, 0] <= 0.1
    pairs = []
    for start in range(0, len(x), _BLOCK):
        one, other = np.nonzero(unit[start : start + _BLOCK] @ unit.T >= _CORRELATION)
        pairs.append(np.stack([one + start, other], axis=1))
    plain = np.flatnonzero(flat)
    if 1 < len(plain) <= _BLOCK:
        pairs.append(np.stack(np.meshgrid(plain, plain), axis=-1).reshape(-1, 2))
    found = _ordered(pairs)
    same = np.abs(x[found[:, 0]] - x[found[:, 1]]).mean(1) <= _COLOUR
    return there[found[same]]


def normal_text(text: str) -> str:
    """Return a text without what differs between copies: case, spaces, punctuation.

    Example:
        >>> normal_text("A  Red-cat!")
        'a red cat'
    """
    return " ".join(WORD.findall(text.casefold()))


def alike_texts(texts: Sequence[str]) -> Pairs:
    """Return pairs of texts that are the same, or nearly; empty ones are like none."""
    from sklearn.feature_extraction.text import HashingVectorizer

    there = np.flatnonzero([bool(text) for text in texts])
    if len(there) < 2:
        return np.zeros((0, 2), dtype=np.int64)
    shingles = HashingVectorizer(
        analyzer="char",
        ngram_range=(_LETTERS, _LETTERS),
        binary=True,
        norm=None,
        alternate_sign=False,
    )
    # Marks at either end, so that the shortest text has a shingle.
    mark = "~" * (_LETTERS - 1)
    x = shingles.transform([f"{mark}{texts[row]}{mark}" for row in there.tolist()])
    size = np.asarray(x.sum(1)).ravel()
    pairs = []
    for start in range(0, len(there), _BLOCK):
        shared = (x[start : start + _BLOCK] @ x.T).tocoo()
        one, other = shared.row + start, shared.col
        union = size[one] + size[other] - shared.data
        pairs.append(np.stack([one, other], axis=1)[shared.data >= _SHARED * union])
    return there[_ordered(pairs)]


def _ordered(pairs: Sequence[Pairs]) -> Pairs:
    """Return each pair once, the smaller row first."""
    joined = np.concatenate([np.zeros((0, 2), dtype=np.int64), *pairs])
    return np.unique(joined[joined[:, 0] < joined[:, 1]], axis=0)
