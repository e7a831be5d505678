"""Features of images by a frozen backbone; the next ones are decoded beside it where that pays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from mmgraph.errors import CellError

#: Images through a frozen backbone at once. On a CPU, the activations of more miss its caches.
_BATCH = {"cpu": 8, "cuda": 32}


def compute_image_features(
    images: Mapping[bytes, Any],
    decode: Callable[[Any], UInt8[Tensor, "3 size size"]],
    backbone: nn.Module,
    *,
    keep: Callable[[dict[bytes, np.ndarray]], None] | None,
    stops: bool,
) -> tuple[dict[bytes, np.ndarray], dict[bytes, CellError]]:
    """Return the features of images, and why others cannot be decoded, by hash.

    No more than two batches of decoded images are in memory. The next one is decoded in a thread
    while the backbone computes, where a core is idle or decoding takes longer than computing.

    Args:
        images: Raw images by hash.
        decode: Makes pixels of a raw image; may run in another thread.
        backbone: The backbone.
        keep: Is given the features of each batch, so that an interrupted run goes on from there.
        stops: Compute nothing from the first batch on that has an image that cannot be decoded.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    backbone.to(memory_format=torch.channels_last).to(device)
    features: dict[bytes, np.ndarray] = {}
    broken: dict[bytes, CellError] = {}
    decoding = _Decoding(images, decode, _BATCH[device])
    pays = device == "cuda" or _has_idle_core()
    with ThreadPoolExecutor(1, "decode") as pool:
        decoded = decoding.next()
        while decoded:
            broken |= {key: each for key, each in decoded.items() if isinstance(each, CellError)}
            if broken and stops:
                break
            coming = pool.submit(decoding.next) if pays else None
            pixels = {key: each for key, each in decoded.items() if isinstance(each, Tensor)}
            start = time.perf_counter()
            computed = _run(backbone, pixels, device) if pixels else {}
            seconds = time.perf_counter() - start
            features |= computed
            # Decoding filters the warnings of all threads: what may warn waits until it is done.
            decoded = decoding.next() if coming is None else coming.result()
            pays = pays or decoding.seconds > seconds
            if keep is not None:
                keep(computed)
    return features, broken


def _has_idle_core() -> bool:
    """Say whether PyTorch leaves a core to decoding, which else slows the backbone down."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return torch.get_num_threads() < cores


class _Decoding:
    """Decodes images in order, a batch at a time.

    Args:
        images: Raw images by hash.
        decode: Makes pixels of one.
        size: Images of a batch.
    """

    def __init__(
        self, images: Mapping[bytes, Any], decode: Callable[[Any], Tensor], size: int
    ) -> None:
        self.left = iter(images.items())
        self.decode, self.size = decode, size
        #: What the last batch took.
        self.seconds = 0.0

    def next(self) -> dict[bytes, Tensor | CellError]:
        """Return pixels of the next images by hash, or why one cannot be decoded."""
        start = time.perf_counter()
        found = {digest: _read(self.decode, raw) for digest, raw in islice(self.left, self.size)}
        self.seconds = time.perf_counter() - start
        return found


def _read(decode: Callable[[Any], Tensor], raw: Any) -> Tensor | CellError:
    try:
        return decode(raw)
    except CellError as error:
        return error


def _run(
    backbone: nn.Module, images: Mapping[bytes, UInt8[Tensor, "3 size size"]], device: str
) -> dict[bytes, Float[np.ndarray, "regions channels"]]:
    pixels = torch.stack(list(images.values())).to(device).float()
    with torch.inference_mode():
        maps = backbone(pixels.contiguous(memory_format=torch.channels_last))
    features = maps.float().flatten(2).transpose(1, 2).contiguous().cpu().numpy()
    return dict(zip(images, features, strict=True))
