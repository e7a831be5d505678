"""Features of images by a frozen backbone, which computes while the next images are decoded."""

from __future__ import annotations

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


def compute_features(
    images: Mapping[bytes, Any],
    decode: Callable[[Any], UInt8[Tensor, "3 size size"]],
    backbone: nn.Module,
    *,
    keep: Callable[[dict[bytes, np.ndarray]], None] | None,
    stops: bool,
) -> tuple[dict[bytes, np.ndarray], dict[bytes, CellError]]:
    """Return the features of images, and why others cannot be decoded, by hash.

    No more than two batches of decoded images are in memory.

    Args:
        images: Raw images by hash.
        decode: Makes pixels of a raw image; runs in another thread.
        backbone: The backbone.
        keep: Is given the features of each batch, so that an interrupted run goes on from there.
        stops: Compute nothing from the first batch on that has an image that cannot be decoded.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    backbone.to(memory_format=torch.channels_last).to(device)
    features: dict[bytes, np.ndarray] = {}
    broken: dict[bytes, CellError] = {}
    left = iter(images.items())

    def read_next() -> dict[bytes, Tensor | CellError]:
        return {digest: _read(decode, raw) for digest, raw in islice(left, _BATCH[device])}

    with ThreadPoolExecutor(1, "decode") as pool:
        decoded = pool.submit(read_next).result()
        while decoded:
            broken |= {key: each for key, each in decoded.items() if isinstance(each, CellError)}
            if broken and stops:
                break
            coming = pool.submit(read_next)
            pixels = {key: each for key, each in decoded.items() if isinstance(each, Tensor)}
            computed = _run(backbone, pixels, device) if pixels else {}
            features |= computed
            # Decoding filters the warnings of all threads: what may warn waits until it is done.
            decoded = coming.result()
            if keep is not None:
                keep(computed)
    return features, broken


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
