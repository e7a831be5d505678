"""Texts as words that can be taken away."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from jaxtyping import Bool

from mmgraph.modalities.base import Place
from mmgraph.modalities.parts.base import Parts
from mmgraph.modalities.tokens.stop_words import UNSPACED_WORD, WORD
from mmgraph.modalities.tokens.tokenizer import clean_text

#: Parts of a text: in longer ones, words that follow each other are one part.
_MOST_PARTS = 60


class Words(Parts):
    """A text, whose words are its parts; in scripts without spaces, its letters are.

    The characters of a part are deleted, punctuation stays. A text of many words has 60 parts of
    several words each.

    Args:
        raw: The text, or a number that is read as one.

    Example:
        >>> words = Words("a red, red cat")
        >>> words.keep(np.array([True, False, False, True]))
        'a , cat'
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.text: str = clean_text(raw)
        spans = _words(self.text)
        count = min(len(spans), _MOST_PARTS)
        groups = np.array_split(np.arange(len(spans)), count) if count else []
        ends = [(spans[group[0]][0], spans[group[-1]][1]) for group in groups]
        self.places = tuple(
            Place(self.text[start:end], span=(float(start), float(end))) for start, end in ends
        )
        self._ends = ends

    def keep(self, kept: Bool[np.ndarray, "parts"]) -> Any:
        """Return the text without the characters of some words."""
        if kept.all():
            return self._raw
        left, start = [], 0
        for (begin, end), keeps in zip(self._ends, kept, strict=True):
            if not keeps:
                left.append(self.text[start:begin])
                start = end
        return re.sub(r" {2,}", " ", "".join([*left, self.text[start:]])).strip()


def _words(text: str) -> list[tuple[int, int]]:
    """Return where words begin and end."""
    spans: list[tuple[int, int]] = []
    for found in WORD.finditer(text):
        start, end = found.span()
        if UNSPACED_WORD.search(found[0]):
            spans += [(place, place + 1) for place in range(start, end)]
        else:
            spans.append((start, end))
    return spans
