"""Contextual features of tokens from a frozen transformer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mmgraph.errors import DataError, MissingPackageError
from mmgraph.modalities.tokens.features import Spanned, TokenFeatures, hash_files

_TOKENS_A_BATCH = 4096
_LONGEST_WINDOW = 512
_MODEL_FILES = (
    *("config.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*"),
    *("merges.txt", "*.model", "*.safetensors", "*.safetensors.index.json", "LICENSE*"),
)

#: No server is asked, and no code that lies beside a model is run, or offered to be.
_LOCAL = {"local_files_only": True, "trust_remote_code": False}


@dataclass
class _Loaded:
    tokenizer: Any
    model: Any
    prefix: list[int]
    suffix: list[int]
    window: int  # tokens without the special ones


class TransformerFeatures(TokenFeatures):
    """Last hidden states of a frozen transformer, read from a local folder.

    Texts beyond the model's limit are cut into consecutive windows, so every token gets
    features. The model is loaded when it is first needed.

    Args:
        folder: A Hugging Face model: configuration, fast tokenizer and weights.
        identity: Hash of the weights, where it is known already. Default: None.
    """

    slow = True

    def __init__(self, folder: str | Path, identity: str | None = None) -> None:
        self.folder = Path(folder)
        self.identity = identity or hash_files(self.folder)
        self._loaded: _Loaded | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}  # copies and other processes load it themselves

    @property
    def channels(self) -> int:
        """Number of features of a token."""
        config = _transformers().AutoConfig.from_pretrained(self.folder, **_LOCAL)
        return int(config.hidden_size)

    def compute(self, texts: Sequence[str]) -> list[Spanned]:
        """Return features and spans of each text's word pieces.

        The special tokens in front and behind are there too, with empty spans: they belong to
        a text's summary, and to no part of it.
        """
        loaded = self._loaded = self._loaded or _load_transformer(self.folder)
        encoded = [_encode(loaded.tokenizer, text) for text in texts]
        windows = [
            (row, start, ids[start : start + loaded.window])
            for row, (ids, _) in enumerate(encoded)
            for start in range(0, len(ids), loaded.window)
        ]
        front, back = len(loaded.prefix), len(loaded.suffix)
        width = loaded.model.config.hidden_size
        features = [np.zeros((len(ids) + front + back, width), np.float32) for ids, _ in encoded]
        for batch in _batches(sorted(windows, key=lambda window: len(window[2]))):
            hidden = _run(loaded, [ids for _, _, ids in batch])
            for (row, start, ids), rows in zip(batch, hidden, strict=True):
                first = 0 if start == 0 else front
                last = start + len(ids) == len(encoded[row][0])
                end = front + len(ids) + (back if last else 0)
                features[row][start + first : start + end] = rows[first:end]
        return [
            (rows if len(spans) else rows[:0], _with_special(spans, front, back))
            for rows, (_, spans) in zip(features, encoded, strict=True)
        ]

    def save(self, folder: Path) -> dict[str, Any]:
        """Copy the model; weights in another format are written as safetensors."""
        folder.mkdir(parents=True, exist_ok=True)
        if not any(self.folder.glob("*.safetensors")):
            with _quiet():
                _load_transformer(self.folder).model.save_pretrained(folder)
        for path in {path for pattern in _MODEL_FILES for path in self.folder.glob(pattern)}:
            if path.is_file() and path.resolve() != (folder / path.name).resolve():
                shutil.copyfile(path, folder / path.name)
        return {"kind": "transformer", "identity": self.identity}


def _transformers() -> Any:
    try:
        import transformers
    except ImportError as error:
        raise MissingPackageError(
            'pretrained token features need transformers: pip install "mmgraph[pretrained]";'
            " or choose features=None"
        ) from error
    return transformers


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from printing progress bars and reports, for a while."""
    from transformers.utils import logging

    level, bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bar:
            logging.enable_progress_bar()


def _load_transformer(folder: Path) -> _Loaded:
    transformers = _transformers()
    # Weights the file lacks (a pooler) are drawn at random: that must not move the seed.
    with _quiet(), torch.random.fork_rng(devices=[]):
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **_LOCAL)
        model = transformers.AutoModel.from_pretrained(folder, **_LOCAL)
    if not tokenizer.is_fast:
        raise DataError(f"{folder}: needs a fast tokenizer (tokenizer.json), which gives offsets")
    probe = tokenizer("a", return_special_tokens_mask=True)
    real = [place for place, mark in enumerate(probe["special_tokens_mask"]) if not mark]
    prefix, suffix = probe["input_ids"][: real[0]], probe["input_ids"][real[-1] + 1 :]
    # RoBERTa's positions start at 2, so two fewer than the table has can be used.
    positions = getattr(model.config, "max_position_embeddings", _LONGEST_WINDOW + 2) - 2
    stated = tokenizer.model_max_length
    limit = stated if stated <= positions + 2 else positions
    window = min(limit, _LONGEST_WINDOW) - len(prefix) - len(suffix)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return _Loaded(tokenizer, model.float().eval().to(device), prefix, suffix, max(1, window))


def _encode(tokenizer: Any, text: str) -> tuple[list[int], Int[np.ndarray, "tokens 2"]]:
    # One text at a time: batches would start threads, and forks then print a warning.
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, truncation=False, verbose=False
    )
    spans = np.array(encoded["offset_mapping"], np.int64).reshape(-1, 2)
    return encoded["input_ids"], spans


def _with_special(
    spans: Int[np.ndarray, "tokens 2"], front: int, back: int
) -> Int[np.ndarray, "all 2"]:
    """Add the empty spans of special tokens at both ends, unless there is nothing between."""
    if not len(spans):
        return spans
    first, last = np.full((front, 2), spans[0, 0]), np.full((back, 2), spans[-1, 1])
    return np.concatenate([first, spans, last])


def _batches(
    windows: Sequence[tuple[int, int, list[int]]],
) -> Iterator[Sequence[tuple[int, int, list[int]]]]:
    """Group windows of ascending length so that no padded batch has too many tokens."""
    start = 0
    for end, (_, _, ids) in enumerate(windows):
        if (end + 1 - start) * len(ids) > _TOKENS_A_BATCH and end > start:
            yield windows[start:end]
            start = end
    if windows:
        yield windows[start:]


@torch.inference_mode()
def _run(loaded: _Loaded, windows: list[list[int]]) -> Float[np.ndarray, "windows tokens channels"]:
    """Return hidden states; rows beyond a window's length mean nothing."""
    rows = [torch.tensor(loaded.prefix + ids + loaded.suffix) for ids in windows]
    length = torch.tensor([len(row) for row in rows])
    device = loaded.model.device
    ids: Tensor = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    mask = (torch.arange(ids.shape[1]) < length[:, None]).long()
    output = loaded.model(input_ids=ids.to(device), attention_mask=mask.to(device))
    return output.last_hidden_state.float().cpu().numpy()
