"""Fixed vectors of words, such as GloVe's."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mmgraph.errors import DataError
from mmgraph.modalities.tokens.features import Spanned, TokenFeatures, hash_files


class WordVectors(TokenFeatures):
    """One fixed vector a word, looked up by its case-folded form; unknown words have none.

    Args:
        words: The words.
        table: A row for each word.
        identity: Tells tables apart.
    """

    slow = False
    _word = re.compile(r"\w+|[^\w\s]")

    def __init__(
        self, words: Sequence[str], table: Float[np.ndarray, "words channels"], identity: str
    ) -> None:
        self.words = list(words)
        self.table = table
        self.identity = identity
        self._row: dict[str, int] = {}
        for row, word in enumerate(self.words):  # the first, most frequent one counts
            self._row.setdefault(word.casefold(), row)

    @classmethod
    def from_file(cls, path: str | Path) -> WordVectors:
        """Read `word v1 ... vd` lines, with or without word2vec's header.

        Raises:
            DataError: A line has another number of values than the ones before.
        """
        words: list[str] = []
        rows: list[np.ndarray] = []
        with Path(path).open(encoding="utf-8", errors="replace", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                fields = line.rstrip().split(" ")
                if number == 1 and len(fields) == 2 and all(map(str.isdigit, fields)):
                    continue  # word2vec's header: how many words and channels
                channels = len(rows[0]) if rows else len(fields) - 1
                try:
                    row = np.array(fields[-channels:], np.float32)
                except ValueError:
                    row = np.zeros(0, np.float32)
                if not 0 < channels < len(fields) or len(row) != channels:
                    reason = f"expected a word and {channels} numbers, got {line[:40]!r}"
                    raise DataError(f"{path}, line {number}: {reason}")
                rows.append(row)
                words.append(" ".join(fields[:-channels]))
        if not rows:
            raise DataError(f"{path}: no word vectors in this file")
        return cls(words, np.stack(rows), hash_files(Path(path)))

    @property
    def channels(self) -> int:
        """Number of features of a word."""
        return self.table.shape[1]

    def compute(self, texts: Sequence[str]) -> list[Spanned]:
        """Return vectors and spans of each text's known words."""
        result = []
        for text in texts:
            found = [
                (row, match.span())
                for match in self._word.finditer(text)
                if (row := self._row.get(match[0].casefold())) is not None
            ]
            spans = np.array([span for _, span in found], np.int64).reshape(-1, 2)
            result.append((self.table[np.array([row for row, _ in found], np.int64)], spans))
        return result

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the whole table, so that the saved model needs nothing else."""
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file({"table": self.table}, folder / "vectors.safetensors")
        (folder / "words.json").write_text(json.dumps(self.words), encoding="utf-8")
        return {"kind": "words", "identity": self.identity}
