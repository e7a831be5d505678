"""What decoding photographs beside the frozen backbone saves: seconds of a first pass.

    python examples/benchmarks/first_pass.py [--images 96] [--turns 5] [--threads 1 2] [--quick]

JPEG files of each size go through the default backbone without a cache: once with the next images
decoded in a thread while it computes, as mmgraph does, and once with one after the other, in turns.
Wall-clock times: the medians of all turns, and the median of the ratios of both in one turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image as PILImage

from mmgraph import Image
from mmgraph.modalities.decoding import frozen_images


class OneAfterTheOther:
    """An executor that does its work when the result is asked for.

    Where mmgraph itself would not decode beside the backbone, both columns are of the same.
    """

    def __init__(self, *_: Any) -> None:
        self.work: Callable[[], Any]

    def __enter__(self) -> OneAfterTheOther:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[[], Any]) -> OneAfterTheOther:
        self.work = work
        return self

    def result(self) -> Any:
        return self.work()


def make_images(folder: Path, size: tuple[int, int], count: int) -> list[list[str]]:
    """Write JPEG files of shapes and noise; return a cell for each."""
    random = np.random.default_rng(0)
    cells = []
    for number in range(count):
        shapes = PILImage.fromarray(random.integers(0, 255, (8, 12, 3), dtype=np.uint8))
        pixels = np.asarray(shapes.resize(size, PILImage.Resampling.BICUBIC), dtype=float)
        pixels += random.normal(0, 8, pixels.shape)
        path = folder / f"{size[0]}_{number}.jpg"
        PILImage.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        cells.append([str(path)])
    return cells


def seconds(image: Image, cells: list[list[str]], executor: Any) -> float:
    """Return how long a first pass takes."""
    with patch.object(frozen_images, "ThreadPoolExecutor", executor):
        start = time.perf_counter()
        image.transform(cells)
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=96)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--quick", action="store_true", help="a few images, one turn")
    args = parser.parse_args()
    images, turns = (16, 1) if args.quick else (args.images, args.turns)
    image = Image(cache=False)
    image.transform([[np.zeros((8, 8), np.uint8)]])  # loads the backbone
    ahead = frozen_images.ThreadPoolExecutor
    print(f"{images} images, {turns} turns\n size       threads  after   beside  ratio")
    with tempfile.TemporaryDirectory() as folder:
        for size in ((160, 160), (600, 400), (1800, 1200)):
            cells = make_images(Path(folder), size, images)
            for threads in args.threads:
                torch.set_num_threads(threads)
                pairs = [
                    (seconds(image, cells, OneAfterTheOther), seconds(image, cells, ahead))
                    for _ in range(turns)
                ]
                after, beside = (median(each) for each in zip(*pairs, strict=True))
                ratio = median(second / first for first, second in pairs)
                name = f"{size[0]}x{size[1]}"
                print(f" {name:10} {threads:7} {after:6.2f} {beside:8.2f} {ratio:6.2f}", flush=True)


if __name__ == "__main__":
    main()
