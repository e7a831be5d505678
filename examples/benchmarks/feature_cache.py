"""Time what reading cached features costs, by SQLite as it is and by maps into memory.

    python examples/benchmarks/feature_cache.py [--images 1500] [--rounds 5]

Arrays of the default image backbone's size, 25 regions of 1,280 numbers, are read in batches of 64
in random order: by `FeatureCache`, by SQLite told to map its file (`PRAGMA mmap_size`), and from
one `np.memmap`. The arms take turns; the file is in the page cache for all of them, as it is where
epochs follow each other. Beside stands a training step of the default graph on such features and
texts of 16 tokens: the share of an epoch that reading is. One thread, processor time.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import torch

from mmgraph.cache import FeatureCache
from mmgraph.nn.fusion import GraphFusion
from mmgraph.nodes import Nodes
from mmgraph.relations import Chain, Grid

SHAPE, BATCH, CHANNELS, TOKENS = (25, 1280), 64, 64, 16

Read = Callable[[Sequence[int]], object]


def make_readers(folder: Path, count: int) -> dict[str, Read]:
    """Write the same arrays in both ways; return functions that read some of them."""
    random = np.random.default_rng(0)
    cache = FeatureCache("benchmark", folder)
    mapped = np.memmap(folder / "mapped", np.float32, "w+", shape=(count, *SHAPE))
    keys = [number.to_bytes(16, "big") for number in range(count)]
    for start in range(0, count, BATCH):
        mapped[start : start + BATCH] = random.normal(size=mapped[start : start + BATCH].shape)
        cache.put_many(dict(zip(keys[start : start + BATCH], mapped[start:], strict=False)))

    def read_mapped_sqlite(rows: Sequence[int]) -> list[np.ndarray]:
        with closing(sqlite3.connect(cache.path)) as database:
            database.execute(f"PRAGMA mmap_size={2**40}")
            marks = ",".join("?" * len(rows))
            query = f"SELECT data FROM features WHERE hash IN ({marks})"
            found = database.execute(query, [keys[row] for row in rows])
            return [np.frombuffer(bytearray(data), np.float32).reshape(SHAPE) for (data,) in found]

    return {
        "FeatureCache": lambda rows: list(cache.get_many([keys[row] for row in rows]).values()),
        "SQLite, mapped": read_mapped_sqlite,
        "np.memmap": lambda rows: mapped[np.sort(rows)],
    }


def make_step() -> Callable[[], None]:
    """Return a training step on a batch of features, from the linear map on."""
    relations = {"image": {"grid": Grid(5, 5)}, "text": {"chain": Chain()}}
    fusion = GraphFusion(relations, CHANNELS)
    linear, head = torch.nn.Linear(SHAPE[1], CHANNELS), torch.nn.Linear(CHANNELS, 13)
    optimiser = torch.optim.AdamW([*fusion.parameters(), *linear.parameters(), *head.parameters()])
    regions = torch.randn(BATCH * SHAPE[0], SHAPE[1])
    words = torch.randn(BATCH * TOKENS, CHANNELS)

    def nodes(x: torch.Tensor, count: int) -> Nodes:
        sample = torch.arange(BATCH).repeat_interleave(count)
        return Nodes.from_flat(x, sample=sample, batch_size=BATCH)

    def step() -> None:
        inputs = {"image": nodes(linear(regions), SHAPE[0]), "text": nodes(words, TOKENS)}
        head(fusion(inputs)).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()

    return step


def spent(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    random, step = np.random.default_rng(1), make_step()
    batches = args.images // BATCH
    with tempfile.TemporaryDirectory() as name:
        readers = make_readers(Path(name), batches * BATCH)
        seconds: dict[str, list[float]] = {arm: [] for arm in (*readers, "step")}
        for _ in range(args.rounds + 1):
            order = random.permutation(batches * BATCH).reshape(batches, BATCH).tolist()
            for arm, read in readers.items():
                seconds[arm].append(spent(lambda: [read(rows) for rows in order]) / batches)  # noqa: B023
            seconds["step"].append(spent(lambda: [step() for _ in range(8)]) / 8)
    medians = {arm: 1000 * statistics.median(each[1:]) for arm, each in seconds.items()}
    step_ms = medians.pop("step")
    print(f"a training step of {BATCH} rows: {step_ms:.1f} ms")
    for arm, each in medians.items():
        print(f"{arm:16}{each:6.1f} ms a batch, {each / (each + step_ms):.0%} of an epoch")


if __name__ == "__main__":
    main()
