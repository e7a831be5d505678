"""What reading frozen features costs beside training on them, and what other files would save.

    python examples/benchmarks/feature_cache.py [--images 4096] [--turns 40] [--quick]

Features of images (25 regions of 1,472 numbers, 147 kB each) are read in batches of 64 drawn at
random, in turns: by mmgraph's cache, which is SQLite; by the same mapped into memory; and from one
mapped file of the same arrays, which knows where each lies. Beside them: a training step of as many
images and texts of 32 tokens, forward and backward. Medians of one thread's processor time, with
memory kept as in training; the system has files that were just written in memory, so that no disk
is waited for.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
import torch
from scaling import BATCH, REGIONS, TOKENS, image_part, text_part, training_step
from turns import take_turns

from mmgraph.system.allocator import kept_memory
from mmgraph.system.cache import FeatureCache

SHAPE = (REGIONS[1] * REGIONS[2], REGIONS[0])


class MappedCache(FeatureCache):
    """The cache with its file mapped into memory."""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with super()._open() as database:
            database.execute(f"PRAGMA mmap_size={2**40}")
            yield database


def make_features(folder: Path, images: int) -> list[bytes]:
    """Write the same features into a cache and into one file; return their hashes."""
    random = np.random.default_rng(0)
    hashes = [number.to_bytes(16, "big") for number in random.permutation(images).tolist()]
    cache = FeatureCache("features", folder)
    mapped = np.memmap(folder / "features.bin", np.float32, "w+", shape=(images, *SHAPE))
    for start in range(0, images, BATCH):
        part = hashes[start : start + BATCH]
        mapped[start : start + len(part)] = random.normal(size=(len(part), *SHAPE))
        cache.put_many(dict(zip(part, mapped[start : start + len(part)], strict=True)))
    mapped.flush()
    return hashes


def readers(folder: Path, hashes: list[bytes]) -> dict[str, Callable[[list[bytes]], object]]:
    """Return each way of reading the features of some hashes."""
    place = {digest: number for number, digest in enumerate(hashes)}
    mapped = np.memmap(folder / "features.bin", np.float32, "r", shape=(len(hashes), *SHAPE))
    return {
        "SQLite": FeatureCache("features", folder).get_many,
        "SQLite, mapped": MappedCache("features", folder).get_many,
        "one mapped file": lambda part: {digest: mapped[place[digest]].copy() for digest in part},
    }


def read_some(
    read: Callable[[list[bytes]], object], hashes: list[bytes], random: np.random.Generator
) -> None:
    """Read the features of a batch."""
    read([hashes[row] for row in random.choice(len(hashes), BATCH, replace=False)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--turns", type=int, default=40)
    parser.add_argument("--quick", action="store_true", help="a few images, two turns")
    args = parser.parse_args()
    images, turns = (128, 2) if args.quick else (args.images, args.turns)
    torch.set_num_threads(1)
    random = np.random.default_rng(1)
    step = training_step([image_part(REGIONS[1]), text_part(TOKENS)])
    with tempfile.TemporaryDirectory() as name, kept_memory():
        hashes = make_features(Path(name), images)
        arms: dict[str, Callable[[], object]] = {
            way: partial(read_some, read, hashes, random)
            for way, read in readers(Path(name), hashes).items()
        }
        times = take_turns({"step": step} | arms, turns)
    found = {name: median(values) for name, values in times.items()}
    print(f"{images} images, {turns} turns; a step of {BATCH}: {found['step']:.0f} ms")
    for name in arms:
        share = found[name] / (found[name] + found["step"])
        print(f"{name:16} {found[name]:6.1f} ms for {BATCH}, {share:.1%} of reading and step")


if __name__ == "__main__":
    main()
