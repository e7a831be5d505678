"""Sounds, whose frames become nodes."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.errors import CellError
from mmgraph.graph.items import Items, sample_of_items
from mmgraph.graph.relations import Chain, Relation
from mmgraph.modalities.base import Modality, Place, Sound, Unreadable, first_reading
from mmgraph.modalities.decoding.audio import audio_hash, decode_audio, load_package, unwrap
from mmgraph.modalities.decoding.files import load_statistics, located, save_statistics
from mmgraph.nn.linear.features import PooledFeatures
from mmgraph.nn.linear.scaling import usable_deviation
from mmgraph.system.cache import FeatureCache
from mmgraph.typing import Item

logger = logging.getLogger("mmgraph")

#: Part of every cache key: to be raised whenever decoding or the spectrogram change.
MEL_VERSION = 1

#: Spectrograms that are written to the cache at once.
_BATCH = 64

#: Seconds between two frames, and seconds a frame looks at.
_HOP, _WINDOW = 0.01, 0.025

#: Decibels below the loudest point of a clip at which everything counts as silence.
_FLOOR = -80.0

#: Steps in time of the summary of a clip.
_STEPS = 16

#: Share of the range from quiet to loud above which a clip has begun.
_ACTIVE = 0.35

_SUFFIXES = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au", ".w64")
_SIGNATURES = (b"fLaC", b"OggS", b"ID3", b"\xff\xfb", b"\xff\xf3")


@dataclass(eq=False)
class Audio(Modality):
    """Sounds: a node for every 40 milliseconds, from a log-mel spectrogram.

    Clips are mixed to one channel and resampled; loudness counts from each clip's loudest
    point, so a gain changes nothing. A small CNN and a recurrent layer read the frames.

    Args:
        columns: Column or columns with paths, bytes, (array, rate), or Hugging Face's audio.
            Default: "audio".
        rate: Samples a second that clips are brought to. Default: 16000.
        mels: Frequency bands. Default: 64.
        seconds: Longer clips are cut to this length. Default: 10.0.
        speed: Largest random change of speed, as a fraction, in training. Default: 0.15.
        pitch: Largest random shift of all frequencies, as a fraction, in training. Default: 0.1.
        masks: Largest share of time and of frequency that is masked, in training (SpecAugment,
            https://arxiv.org/abs/1904.08779). Default: 0.2.
        root: Folder that relative paths are relative to; None: the working directory.
            Default: None.
        unreadable: "raise" an error for a broken clip, or count it as "missing". Default: "raise".
        name: Name of the node type; the columns' names when None. Default: None.
        cache: Keep spectrograms on disk by content. Default: True.

    Fitted state: mean and standard deviation of every band over the training frames.

    Example:
        >>> audio = Audio("clip", cache=False)
        >>> [[item]] = audio.transform([[(np.sin(np.arange(8000.0)), 8000)]])
        >>> item["mel"].shape
        torch.Size([100, 64])
    """

    kind: ClassVar[str] = "audio"

    columns: str | Sequence[str] = "audio"
    _: KW_ONLY
    rate: int = 16_000
    mels: int = 64
    seconds: float = 10.0
    speed: float = 0.15
    pitch: float = 0.1
    masks: float = 0.2
    root: str | Path | None = None
    unreadable: Unreadable = "raise"
    name: str | None = None
    cache: bool = True

    mean_: Float[Tensor, "mels"] | None = field(init=False, default=None, repr=False)
    std_: Float[Tensor, "mels"] | None = field(init=False, default=None, repr=False)

    @classmethod
    def accepts(cls, values: Sequence[Any]) -> bool:
        """Say whether all values are names of audio files, clips, or arrays with their rate."""
        return bool(len(values)) and all(map(_looks_like_audio, values))

    def fit(self, cells: Sequence[list[Any]], *, seed: int = 0) -> Audio:
        """Return a fitted copy with the statistics of the training frames."""
        with first_reading():
            return self.fit_transform(cells, seed=seed)[0]

    def fit_transform(
        self, cells: Sequence[list[Any]], *, seed: int = 0
    ) -> tuple[Audio, list[list[Item]]]:
        """Return what `fit` returns, and the clips of the cells."""
        fitted, samples = copy.copy(self), self.transform(cells)
        mels = [item["mel"] for items in samples for item in items]
        frames = torch.cat([torch.zeros(0, self.mels), *(mel.float() for mel in mels)])
        fitted.mean_, fitted.std_ = torch.zeros(self.mels), torch.ones(self.mels)
        if len(frames):
            fitted.mean_ = frames.mean(0)
            fitted.std_ = usable_deviation(frames.std(0, correction=0), 0.1)
        return fitted, samples

    def transform(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its clips: `mel` [frames, mels] in decibels, and a `summary`.

        Raises:
            CellError: A clip cannot be read and `unreadable` is "raise".
            MissingPackageError: librosa or soundfile is not installed.
        """
        cache = FeatureCache(self._cache_key()) if self.cache else None
        # What cannot be read has no hash; reading it explains why.
        hashed = [[(raw, self._digest(raw) if cache else None) for raw in cell] for cell in cells]
        wanted = {digest for cell in hashed for _, digest in cell if digest is not None}
        known = cache.get_many(list(wanted)) if cache else {}
        fresh: dict[bytes, np.ndarray] = {}
        cut = 0

        def read(pair: tuple[Any, bytes | None]) -> Item:
            nonlocal cut
            raw, digest = pair
            mel = None if digest is None else known.get(digest)
            if mel is None:
                mel, long = self._mel(located(unwrap(raw), self.root))
                cut += long
                if cache and digest is not None:
                    known[digest] = fresh[digest] = mel
                    if len(fresh) == _BATCH:  # so that an interrupted run goes on where it stopped
                        cache.put_many(fresh)
                        fresh.clear()
            values = torch.from_numpy(mel)
            return {"mel": values, "summary": _summary(values.float())}

        items = self.read_each(hashed, read)
        if cache:
            cache.put_many(fresh)
        if cut:
            logger.info("%s: %d clips cut to seconds=%g", self.node_type, cut, self.seconds)
        return items

    def _digest(self, raw: Any) -> bytes | None:
        try:
            return audio_hash(located(unwrap(raw), self.root))
        except CellError:
            return None

    def _cache_key(self) -> str:
        parts = ("audio", MEL_VERSION, self.rate, self.mels, self.seconds)
        return "|".join(map(str, parts))

    def _mel(self, raw: Any) -> tuple[np.ndarray, bool]:
        """Return the log-mel spectrogram in half precision, and whether the clip was cut."""
        samples, cut = decode_audio(raw, self.rate, seconds=self.seconds)
        hop, window = round(_HOP * self.rate), round(_WINDOW * self.rate)
        n_fft = 1 << (2 * window - 1).bit_length()
        padded = np.pad(samples, (0, max(0, n_fft - len(samples))))
        power = load_package("librosa").feature.melspectrogram(
            y=padded / max(float(np.abs(samples).max()), 1e-12),
            sr=self.rate,
            n_fft=n_fft,
            win_length=window,
            hop_length=hop,
            n_mels=self.mels,
            pad_mode="constant",
        )
        power = power[:, : -(-len(samples) // hop)].T
        level = np.maximum(power / max(float(power.max()), 1e-12), 10 ** (_FLOOR / 10))
        return (10 * np.log10(level)).astype(np.float16), cut

    def augment(self, item: Item) -> Item:
        """Return a copy with another speed and pitch, and a part masked in time and frequency."""
        mel = _stretched(item["mel"].float(), _random(self.speed), _random(self.pitch))
        fill = mel.mean(0) if self.mean_ is None else self.mean_
        for axis, size in enumerate(mel.shape):
            width = int(torch.rand(()) * self.masks * size)
            start = int(torch.rand(()) * (size - width + 1))
            index = torch.arange(start, start + width)
            mel = mel.index_copy(axis, index, fill.expand_as(mel).index_select(axis, index))
        return item | {"mel": mel.half()}

    def collate(self, samples: Sequence[list[Item]]) -> Items:
        """Join clips: `mel` [items, frames, mels] padded, `frames` [items], and `summary`.

        Where all items come from `trace`, there is `summary_parts` [nodes, features] as well.
        """
        from mmgraph.nn.encoders.audio import FrameEncoder

        items = [item for sample in samples for item in sample]
        frames = torch.tensor([len(item["mel"]) for item in items], dtype=torch.long)
        longest = int(frames.max()) if items else 1  # convolutions need a frame to pad
        mel = torch.zeros(len(items), longest, self.mels, dtype=torch.float16)
        for row, item in zip(mel, items, strict=True):
            row[: len(item["mel"])] = item["mel"]
        empty = torch.zeros(0, self._summary_width)
        data = {
            "mel": mel,
            "frames": frames,
            "summary": torch.cat([empty, *(item["summary"][None] for item in items)]),
        }
        if items and all("summary_parts" in item for item in items):
            data["summary_parts"] = torch.cat([item["summary_parts"] for item in items])
        return Items(
            data=data,
            length=-(-frames // FrameEncoder.stride),
            sample=sample_of_items(samples),
            batch_size=len(samples),
        )

    @property
    def _summary_width(self) -> int:
        return (_STEPS + 2) * self.mels

    def trace(self, cells: Sequence[list[Any]]) -> list[list[Item]]:
        """Turn each cell into its clips, with what each node adds to the `summary`.

        Raises:
            CellError: As `transform`.
        """
        rows = self.transform(cells)
        for item in (item for row in rows for item in row):
            item["summary_parts"] = _by_node(_summary_parts(item["mel"].float()))
        return rows

    def keep(self, item: Item, kept: Bool[Tensor, "nodes"]) -> Item:
        """Return the clip with some of its nodes' frames cut out."""
        from mmgraph.nn.encoders.audio import FrameEncoder

        if bool(kept.all()):
            return item
        mel = item["mel"][kept.repeat_interleave(FrameEncoder.stride)[: len(item["mel"])]]
        return {"mel": mel, "summary": _summary(mel.float())}

    def make_encoder(self, channels: int) -> nn.Module:
        """Return a CNN over time and frequency with a recurrent layer over the frames."""
        from mmgraph.nn.encoders.audio import FrameEncoder

        return FrameEncoder(self.mels, channels, mean=self.mean_, std=self.std_)

    def make_pooled_features(self) -> list[PooledFeatures]:
        """Return a spectrogram of fixed size, with mean and deviation of every band."""
        from mmgraph.nn.linear.features import MeanFeatures

        return [MeanFeatures(self._summary_width, "summary")]

    def relations(self) -> dict[str, Relation]:
        """Join each frame with its neighbours in time."""
        return {"chain": Chain()}

    def place(self, item: Item, index: int) -> Place:
        """Say which seconds of the clip a node covers."""
        from mmgraph.nn.encoders.audio import FrameEncoder

        start = index * FrameEncoder.stride * _HOP
        end = min(start + FrameEncoder.stride * _HOP, len(item["mel"]) * _HOP)
        return Place(f"{start:.2f} to {end:.2f} s", span=(start, end))

    def sound(self, raw: Any) -> Sound:
        """Return the part of a clip that is read, at the rate at which it is read."""
        clip = located(unwrap(raw), self.root)
        return Sound(decode_audio(clip, self.rate, seconds=self.seconds).samples, self.rate)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the statistics."""
        save_statistics(folder, self.mean_, self.std_)
        return {}

    def load(self, folder: Path, state: dict[str, Any]) -> Audio:
        """Return a fitted copy with the statistics in the folder."""
        fitted = copy.copy(self)
        fitted.mean_, fitted.std_ = load_statistics(folder)
        return fitted


def _looks_like_audio(value: Any) -> bool:
    if isinstance(value, str) and value.startswith("data:audio/"):
        return True
    if isinstance(value, str | Path):
        return str(value).lower().endswith(_SUFFIXES)
    if isinstance(value, bytes):
        wave = (value[:4], value[8:12]) == (b"RIFF", b"WAVE")
        return wave or value.startswith(_SIGNATURES)
    if isinstance(value, Mapping) and not {"array", "bytes", "path"} & set(value):
        return False
    try:
        source = unwrap(value)
    except CellError:
        return False
    if isinstance(source, tuple):
        return np.ndim(source[0]) in (1, 2) and isinstance(source[1], int | float | np.number)
    return source is not value and _looks_like_audio(source)


def _summary(mel: Float[Tensor, "frames mels"]) -> Float[Tensor, "summary"]:
    """Return the sounding part, squeezed to a fixed number of steps, and each band's statistics."""
    begin, end = _loud(mel)
    grid = _squeeze(mel[begin:end].T)
    return torch.cat([grid.flatten(), mel.mean(0), mel.std(0, correction=0)])


def _loud(mel: Float[Tensor, "frames mels"]) -> tuple[int, int]:
    """Return where a clip begins to sound, and where it ends."""
    level = (10 ** (mel / 10)).mean(1).log10()
    low, high = torch.quantile(level, 0.1), level.max()
    loud = torch.nonzero(level >= low + _ACTIVE * (high - low)).flatten()
    return int(loud[0]), int(loud[-1]) + 1


def _squeeze(x: Float[Tensor, "mels frames"]) -> Float[Tensor, "mels steps"]:
    if x.shape[1] >= _STEPS:
        return F.adaptive_avg_pool1d(x.unsqueeze(0), _STEPS)[0]
    return F.interpolate(x.unsqueeze(0), _STEPS, mode="linear")[0]


def _summary_parts(mel: Float[Tensor, "frames mels"]) -> Float[Tensor, "frames summary"]:
    """Return what each frame adds to the summary; the parts sum to it."""
    frames = len(mel)
    begin, end = _loud(mel)
    # How much each frame counts in each step: squeezing is linear.
    share = torch.zeros(frames, _STEPS)
    share[begin:end] = _squeeze(torch.eye(end - begin))
    grid = mel.unsqueeze(2) * share.unsqueeze(1)  # [frames, mels, steps]
    # std = sum of the squared deviations / (frames std)
    std = mel.std(0, correction=0)
    spread = (mel - mel.mean(0)).square() / (frames * std.clamp_min(1e-12))
    return torch.cat([grid.flatten(1), mel / frames, spread], dim=1)


def _by_node(x: Float[Tensor, "frames features"]) -> Float[Tensor, "nodes features"]:
    """Sum over the frames of each node."""
    from mmgraph.nn.encoders.audio import FrameEncoder

    node = torch.arange(len(x)) // FrameEncoder.stride
    return x.new_zeros(int(node[-1]) + 1, x.shape[1]).index_add(0, node, x)


def _random(most: float) -> float:
    """Return a factor around 1."""
    return 1 + most * float(torch.rand(()) * 2 - 1)


def _stretched(
    mel: Float[Tensor, "frames mels"], speed: float, pitch: float
) -> Float[Tensor, "_ mels"]:
    """Stretch a spectrogram in time, and in frequency from its lower end."""
    frames, mels = mel.shape
    size = (max(1, round(frames / speed)), max(1, round(mels * pitch)))
    if size != (frames, mels):
        mel = F.interpolate(mel[None, None], size, mode="bilinear")[0, 0]
    # What is above the highest band is lost; where bands are lacking, the highest is repeated.
    lacking = max(0, mels - mel.shape[1])
    return F.pad(mel[None], (0, lacking), mode="replicate")[0, :, :mels]
