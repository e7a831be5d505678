"""Subword tokens of any language, learnt from the training texts."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
from jaxtyping import Int

#: Ids with a meaning of their own: padding and unknown.
_SPECIAL = 2
_BYTES = 256
#: Room for pieces beside the special ones and the bytes, however few the user asks for.
_LEAST = 64
#: Characters of a training line: at most 4000 bytes.
_LINE = 1000
_SPACE = "\u2581"
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


def clean_text(text: str) -> str:
    """Replace what no tokenizer can take (lone surrogates, NUL), keeping every position."""
    return re.sub("[\x00\ud800-\udfff]", " ", str(text))


class SentencePieceTokenizer:
    """SentencePiece with character offsets into the original string.

    [Kudo and Richardson, 2018](https://arxiv.org/abs/1808.06226). Texts are normalised
    (NFKC) and case-folded. Characters that training did not see become their UTF-8 bytes,
    so no text is lost. Pieces that stand for white space alone are left out, because there
    is nothing to point at. Id 0 is padding.

    Args:
        model: A trained model, as `to_bytes` returns it.

    Example:
        >>> tokenizer = SentencePieceTokenizer.train(["a red cat", "a red dog"])
        >>> ids, spans = tokenizer.encode("Red!")
        >>> "".join("Red!"[start:end] for start, end in spans)
        'Red!'
    """

    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self._model = model
        self._processor = SentencePieceProcessor(model_proto=model)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        *,
        vocabulary_size: int = 8000,
        model_type: Literal["unigram", "bpe"] = "unigram",
    ) -> SentencePieceTokenizer:
        """Learn the pieces from texts; any number of texts will do, none included.

        Args:
            texts: Training texts.
            vocabulary_size: Most pieces to learn, the 256 bytes included. Small corpora give
                fewer; below 322, 322 is taken. Where the characters alone would fill more
                than half of it, the rarest are left to the bytes.
            model_type: Segmentation by a unigram language model, or byte-pair encoding.
        """
        from sentencepiece import SentencePieceTrainer

        size = max(vocabulary_size, _SPECIAL + _BYTES + _LEAST)
        sentences = _training_sentences(texts, room=(size - _SPECIAL - _BYTES) // 2)
        writer = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=iter(sentences),
            model_writer=writer,
            model_type=model_type,
            vocab_size=size,
            hard_vocab_limit=False,
            character_coverage=1.0,
            byte_fallback=True,
            normalization_rule_name="nmt_nfkc_cf",
            pad_id=0,
            unk_id=1,
            bos_id=-1,
            eos_id=-1,
            num_threads=1,
            minloglevel=2,
        )
        return cls(writer.getvalue())

    def to_bytes(self) -> bytes:
        """Return the model in SentencePiece's own format (a `.model` file)."""
        return self._model

    def __len__(self) -> int:
        return len(self._processor)

    def __getstate__(self) -> dict[str, bytes]:
        return {"model": self._model}

    def __setstate__(self, state: dict[str, bytes]) -> None:
        type(self).__init__(self, state["model"])

    def piece(self, id: int) -> str:
        """Return the text of a piece, without the mark for white space."""
        return self._processor.id_to_piece(id).replace(_SPACE, "")

    def encode(self, text: str) -> tuple[Int[np.ndarray, "tokens"], Int[np.ndarray, "tokens 2"]]:
        """Split a text.

        Returns:
            The pieces' ids, and where each stands in `text` as (start, end) in characters.
            A character of several pieces (bytes, or ﬁ that became f and i) is in the span of
            each.
        """
        text = clean_text(text)
        pieces = self._processor.encode(text, out_type=str)
        if not pieces:
            return np.zeros(0, np.int64), np.zeros((0, 2), np.int64)
        ids = np.array([self._processor.piece_to_id(piece) for piece in pieces], np.int64)
        # Offsets come from the normaliser and not from the pieces' protocol buffers: those
        # differ between versions, and give all but the last byte of a character no length.
        _, offsets = self._processor.normalize(text, with_offsets=True)
        bounds = _piece_bounds(pieces)
        spans = _original_spans(bounds, np.asarray(offsets, np.int64))
        kept = np.array([piece != _SPACE for piece in pieces])
        return ids[kept], _trim(spans[kept], text)


def _training_sentences(texts: Iterable[str], room: int) -> list[str]:
    """Normalise, cut into lines, and blank all but the `room` most frequent characters."""
    from sentencepiece import SentencePieceNormalizer

    normalizer: Any = SentencePieceNormalizer(rule_name="nmt_nfkc_cf")
    # The trainer skips sentences with U+2585, its own sign for the unknown.
    blank = str.maketrans({_SPACE: " ", "\u2585": " "})
    normal = [normalizer.normalize(clean_text(text)).translate(blank) for text in texts]
    counts = Counter(character for text in normal for character in text)
    rare = sorted(counts, key=lambda character: (-counts[character], character))[room:]
    # Not left to `character_coverage`, which cannot be below 0.98.
    blank = str.maketrans(dict.fromkeys(rare, " "))
    # The trainer silently skips texts over 4192 bytes, and is slow on long repetitive ones.
    lines = [
        text[start : start + _LINE].translate(blank).strip()
        for text in normal
        for start in range(0, len(text), _LINE)
    ]
    # It refuses an empty corpus; from one symbol it learns the bytes, and so reads anything.
    return [line for line in lines if line] or ["."]


def _piece_bounds(pieces: list[str]) -> Int[np.ndarray, "pieces 2"]:
    """Where each piece begins and ends in the normalised text, without leading space."""
    bounds = []
    position = byte = width = 0
    for piece in pieces:
        match = _BYTE.fullmatch(piece)
        if match:
            if byte == width:  # the first byte of a character tells how many there are
                byte, width = 0, _utf8_width(int(match[1], 16))
            byte += 1
            bounds.append((position, position + 1))
            position += byte == width
        else:
            start = position + (len(piece) > 1 and piece.startswith(_SPACE))
            position += len(piece)
            bounds.append((start, position))
    return np.array(bounds, np.int64)


def _utf8_width(first: int) -> int:
    return 1 + (first >= 0xC0) + (first >= 0xE0) + (first >= 0xF0)


def _original_spans(
    bounds: Int[np.ndarray, "pieces 2"], offsets: Int[np.ndarray, "characters"]
) -> Int[np.ndarray, "pieces 2"]:
    """Map bounds in the normalised text to the original one.

    Where one character became several (ﬁ: f, i), all of them but the last map to an empty
    stretch; each shall have the whole character.
    """
    start = offsets[bounds[:, 0]]
    after = np.searchsorted(offsets, offsets[bounds[:, 1] - 1], side="right")
    return np.stack([start, offsets[np.minimum(after, len(offsets) - 1)]], axis=1)


def _trim(spans: Int[np.ndarray, "tokens 2"], text: str) -> Int[np.ndarray, "tokens 2"]:
    """Take white space off the ends of spans, where anything else is left."""
    for span in spans:
        inside = text[span[0] : span[1]]
        if inside.strip():
            span[0] += len(inside) - len(inside.lstrip())
            span[1] -= len(inside) - len(inside.rstrip())
    return spans
