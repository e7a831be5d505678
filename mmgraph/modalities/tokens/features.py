"""Pretrained features of tokens, aligned to other tokens by where they stand in the text."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.system.cache import FeatureCache

#: Features of one text's tokens, and where each stands in the text as (start, end).
Spanned: TypeAlias = tuple[Float[np.ndarray, "tokens channels"], Int[np.ndarray, "tokens 2"]]

#: Raised whenever the same text and weights would give other features, so that caches expire.
_VERSION = 2
_TEXTS_A_CHUNK = 512


class TokenFeatures(ABC):
    """Something that gives the tokens of a text pretrained features."""

    #: Whether computing takes so much longer than reading that results belong on disk.
    slow: ClassVar[bool]

    #: Tells weights apart; equal for equal weights wherever they lie.
    identity: str

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of features of a token."""

    @abstractmethod
    def compute(self, texts: Sequence[str]) -> list[Spanned]:
        """Return features and spans of each text's tokens, in ascending order.

        Tokens that stand for no part of the text have empty spans at one of its ends.
        """

    @abstractmethod
    def save(self, folder: Path) -> dict[str, Any]:
        """Write all that is needed into a folder; return the JSON state for `read_features`."""


def compute_token_features(
    provider: TokenFeatures, texts: Sequence[str], *, cache: bool = True
) -> list[Spanned]:
    """Compute features of many texts, each different text once, those on disk not at all."""
    digests = [hashlib.sha256(text.encode()).digest() for text in texts]
    store = None
    known: dict[bytes, np.ndarray] = {}
    if cache and provider.slow:
        store = FeatureCache(f"tokens {_VERSION} {provider.identity}")
        known = store.get_many(list(dict.fromkeys(digests)))
    missing = [key for key in dict.fromkeys(digests) if key not in known]
    text_of = dict(zip(digests, texts, strict=True))
    for start in range(0, len(missing), _TEXTS_A_CHUNK):
        keys = missing[start : start + _TEXTS_A_CHUNK]
        computed = provider.compute([text_of[key] for key in keys])
        # The spans travel as two more columns: exact in float32 up to 16 million characters.
        joined = [np.hstack([rows, spans]).astype(np.float32) for rows, spans in computed]
        fresh = dict(zip(keys, joined, strict=True))
        if store:
            store.put_many(fresh)
        known |= fresh
    return [(known[key][:, :-2], known[key][:, -2:].astype(np.int64)) for key in digests]


def align(
    spans: Int[np.ndarray, "pieces 2"],
    features: Float[np.ndarray, "tokens channels"],
    token_spans: Int[np.ndarray, "tokens 2"],
) -> Float[np.ndarray, "pieces channels"]:
    """Give each piece the mean of the features of the tokens that overlap it; zero if none.

    Example:
        >>> pieces, tokens = np.array([[0, 4], [4, 6]]), np.array([[0, 2], [2, 5]])
        >>> align(pieces, np.array([[1.0], [3.0]], np.float32), token_spans=tokens).tolist()
        [[2.0], [3.0]]
    """
    # A difference of running sums (in float64, for its rounding) is the sum over a range.
    first, last = overlapping(spans, token_spans).T
    sums = np.zeros((len(features) + 1, features.shape[1]))
    np.cumsum(features, axis=0, dtype=np.float64, out=sums[1:])
    total = sums[last] - sums[first]
    return (total / np.maximum(last - first, 1)[:, None]).astype(np.float32)


def overlapping(
    spans: Int[np.ndarray, "spans 2"], others: Int[np.ndarray, "others 2"]
) -> Int[np.ndarray, "spans 2"]:
    """Return which others each span overlaps: the first, and the one behind the last.

    Both ends of the others ascend, so they are a range. Empty spans overlap nothing.

    Example:
        >>> overlapping(np.array([[0, 4], [5, 5]]), np.array([[0, 2], [2, 5]])).tolist()
        [[0, 2], [2, 2]]
    """
    first = np.searchsorted(others[:, 1], spans[:, 0], side="right")
    last = np.searchsorted(others[:, 0], spans[:, 1], side="left")
    return np.stack([first, np.where(spans[:, 1] > spans[:, 0], np.maximum(last, first), first)], 1)


def share(
    features: Float[np.ndarray, "tokens channels"],
    token_spans: Int[np.ndarray, "tokens 2"],
    spans: Int[np.ndarray, "pieces 2"],
) -> Float[np.ndarray, "pieces channels"]:
    """Share the features of each token among the pieces that it overlaps, evenly.

    Example:
        >>> pieces, tokens = np.array([[0, 2], [2, 5]]), np.array([[0, 4], [4, 5], [5, 5]])
        >>> share(np.array([[2.0], [3.0], [9.0]], np.float32), tokens, pieces).tolist()
        [[1.0], [4.0]]
    """
    result = np.zeros((len(spans), features.shape[1]), dtype=np.float32)
    for row, (first, last) in zip(features, overlapping(token_spans, spans), strict=True):
        result[first:last] += row / max(last - first, 1)
    return result


def summarise_tokens(
    features: Float[np.ndarray, "tokens channels"],
) -> Float[np.ndarray, "channels"]:
    """Return the mean over all tokens, with length 1: a sentence vector; zero without tokens."""
    mean = features.sum(0, dtype=np.float64)
    length = np.linalg.norm(mean)
    return (mean / length if length > 0 else mean).astype(np.float32)


def hash_files(path: Path) -> str:
    """Hash a file, or the files in a model's folder that its features depend on."""
    paths = [path]
    if path.is_dir():
        weights = sorted(path.glob("*.safetensors")) or sorted(path.glob("*.bin"))
        if not weights:
            raise DataError(f"{path}: no weights (*.safetensors) in this folder")
        tokenizer = (path / "tokenizer.json", *sorted(path.glob("vocab*")))
        paths = [path / "config.json", *tokenizer, *weights]
    digest = hashlib.sha256()
    for each in (each for each in paths if each.is_file()):
        with each.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def token_statistics(
    features: Sequence[Float[np.ndarray, "_ features"]], channels: int
) -> tuple[Float[Tensor, "features"], Float[Tensor, "features"]]:
    """Return mean and standard deviation over all tokens; 0 and 1 where that says nothing."""
    count = max(1, sum(map(len, features)))
    zero = np.zeros(channels)
    mean = sum((values.sum(0, dtype=np.float64) for values in features), zero) / count
    squares = sum((np.square(values - mean).sum(0) for values in features), zero)
    std = np.sqrt(squares / count)
    std[std < 1e-6] = 1
    return torch.from_numpy(mean).float(), torch.from_numpy(std).float()
