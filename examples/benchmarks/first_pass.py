"""Time the first pass over photographs: decoding beside the backbone, and before it.

    python examples/benchmarks/first_pass.py [--images 96] [--sides 600x400] [--threads 1 2]

Random photographs are written as JPEG files, and the default backbone's features computed from them
without a cache. One arm decodes images while a thread computes, as `Image` does; the other one
decodes a batch, then computes it. They take turns in one process; the ratio is the median of the
rounds' own, of seconds that passed.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image as PILImage

from mmgraph import Image
from mmgraph.modalities import ahead


class InTurn:
    """An executor that does what it is given at once, in the caller's thread."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def submit(self, function: Any, *args: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(function(*args))
        return done

    def shutdown(self, **_: Any) -> None:
        pass


EXECUTORS = {"beside": ahead.ThreadPoolExecutor, "in turn": InTurn}


def write_photographs(folder: Path, count: int, width: int, height: int) -> list[list[str]]:
    """Write photographs that compress as real ones do, and return their paths as cells."""
    random = np.random.default_rng(0)
    cells = []
    for number in range(count):
        rough = random.integers(0, 255, (height // 20, width // 20, 3)).astype(np.uint8)
        smooth = PILImage.fromarray(rough).resize((width, height), PILImage.Resampling.BICUBIC)
        noise = random.normal(0, 6, (height, width, 3))
        pixels = (np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8)
        path = folder / f"{width}x{height}-{number}.jpg"
        PILImage.fromarray(pixels).save(path, quality=88)
        cells.append([str(path)])
    return cells


def take(image: Image, cells: list[list[str]], arm: str) -> float:
    """Return the seconds of one pass."""
    ahead.ThreadPoolExecutor = EXECUTORS[arm]  # type: ignore[misc]
    start = time.perf_counter()
    image.transform(cells)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--sides", nargs="+", default=["600x400", "1800x1200"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    image = Image("image", cache=False)
    print(f"{'photographs':14}{'threads':>8}{'beside, 1/s':>13}{'in turn, 1/s':>14}{'ratio':>7}")
    with tempfile.TemporaryDirectory() as name:
        for sides in args.sides:
            cells = write_photographs(Path(name), args.images, *map(int, sides.split("x")))
            for threads in args.threads:
                torch.set_num_threads(threads)
                take(image, cells[:16], "beside")
                seconds: dict[str, list[float]] = {arm: [] for arm in EXECUTORS}
                for _ in range(args.rounds):
                    for arm, each in seconds.items():
                        each.append(take(image, cells, arm))
                rates = [len(cells) / statistics.median(each) for each in seconds.values()]
                ratio = statistics.median(
                    one / other for one, other in zip(*seconds.values(), strict=True)
                )
                print(
                    f"{sides:14}{threads:8}{rates[0]:13.1f}{rates[1]:14.1f}{ratio:7.2f}", flush=True
                )


if __name__ == "__main__":
    main()
