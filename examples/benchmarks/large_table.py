"""Open a long table and go through its batches once: seconds, memory, rows a second.

    python examples/benchmarks/large_table.py [--rows 100000] [--small 10000] [--inputs number]
        [--format arrow] [--embedded]

The rows (a text, the path of one of a few images, a number) are in Parquet files of 50,000 rows, in
row groups of 5,000, or in the Arrow files of a Hugging Face dataset. A fresh process opens the
folder, looks at all rows and fits the modalities on some of them; then it draws every batch of one
epoch. Its resident memory is compared with that before the first batch. It stops twenty times on
the way to go through a small table, whose row groups all stay in memory, and the speeds are
compared: rows in a second of processor time, as other programs come and go. With numbers alone
there is next to nothing to decode, so that reading the table shows. With images embedded in it, the
table takes 7 kB a row, and Parquet row groups are of 500.
For Linux.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image as PILImage

WORDS = ("quick", "lazy", "old", "new", "tall", "small", "bright", "dark", "house", "tree")

#: Seconds to open, growth of memory in MiB, and loss of speed that are allowed.
BARS = {"open": 5.0, "growth": 200.0, "slower": 0.15}

_FILE, _GROUP, _BATCH = 50_000, 5_000, 64

#: How often the small table is gone through.
_TURNS = 20


def make_table(folder: Path, rows: int, images: int, kind: str, embedded: bool) -> None:
    """Write the files of a table, and its images, or these within the table."""
    parts, group = [], _GROUP // 10 if embedded else _GROUP
    random = np.random.default_rng(0)
    for number in range(images):
        pixels = random.integers(0, 255, (48, 48, 3)).astype(np.uint8)
        PILImage.fromarray(pixels).save(folder / f"{number}.png")
    for start in range(0, rows, _FILE):
        count = min(_FILE, rows - start)
        lengths = random.integers(3, 20, count)
        words = np.split(random.choice(WORDS, lengths.sum()), np.cumsum(lengths)[:-1])
        frame = pd.DataFrame(
            {
                "text": [" ".join(each) for each in words],
                "image": [f"{number % images}.png" for number in range(start, start + count)],
                "number": random.normal(size=count),
                "label": random.integers(0, 3, count),
            }
        )
        if embedded:
            files = {name: (folder / name).read_bytes() for name in frame["image"].unique()}
            frame["image"] = frame["image"].map(files)
        if kind == "parquet":
            frame.to_parquet(folder / f"{start:09d}.parquet", row_group_size=group, index=False)
        else:
            import datasets

            parts.append(datasets.Dataset.from_pandas(frame))
    if parts:
        datasets.concatenate_datasets(parts).save_to_disk(str(folder / "saved"))


def resident(of_files: bool = False) -> float:
    """Return the resident memory of this process in MiB, or how much of it is pages of files."""
    pages = int(Path("/proc/self/statm").read_text().split()[2 if of_files else 1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Spent:
    """Rows that were drawn, and the processor time that took."""

    rows: int = 0
    seconds: float = 0.0

    def draw(self, batches: Iterator[Any], rows: int) -> bool:
        """Draw batches of at least so many rows; say whether there were as many."""
        start, wanted = time.process_time(), self.rows + rows
        for batch in batches:
            self.rows += len(batch.target)
            if self.rows >= wanted:
                break
        self.seconds += time.process_time() - start
        return self.rows >= wanted

    @property
    def rate(self) -> float:
        """PackedNodes a second."""
        return self.rows / self.seconds


def open_dataset(folder: Path, inputs: list[str]) -> tuple[Any, float]:
    """Open a table, and fit modalities on it; return the dataset and the seconds of opening it."""
    import torch

    from mmgraph import ArrowTable, Image, ParquetTable, Tabular, Text
    from mmgraph.data.disk_dataset import DiskDataset
    from mmgraph.data.survey import fit_on_sample

    start = time.perf_counter()
    saved = folder / "saved"
    table = ArrowTable(saved) if saved.exists() else ParquetTable(folder)
    rows = len(table)
    opening = time.perf_counter() - start
    known = {
        "image": Image("image", backbone=None, size=32, root=folder),
        "text": Text("text", features=None, vocabulary_size=400),
        "number": Tabular(["number"]),
    }
    start = time.perf_counter()
    fitted, survey = fit_on_sample([known[name] for name in inputs], table, seed=0)
    fitting = time.perf_counter() - start
    print(f"{rows:>10,} rows: open {opening:.2f} s, look and fit {fitting:.1f} s", flush=True)
    target = torch.from_numpy(table["label"].to_numpy().copy())
    chosen = table.select(inputs)
    return DiskDataset(fitted, chosen, np.arange(rows), survey.length, target), opening


def go_through(small_folder: Path, large_folder: Path, inputs: list[str]) -> dict[str, float]:
    """Open both tables and draw the batches of the large one once; return what `BARS` limit."""
    import torch

    torch.set_num_threads(1)
    small, _ = open_dataset(small_folder, inputs)
    large, opening = open_dataset(large_folder, inputs)
    before = most = resident()
    of_files = resident(of_files=True)
    Spent().draw(small.loader(_BATCH), len(small))  # the first batches import much
    spent = {"small": Spent(), "large": Spent()}
    batches = iter(large.loader(_BATCH, shuffle=True))
    start, left = time.perf_counter(), True
    while left:
        spent["small"].draw(small.loader(_BATCH, shuffle=True), len(small))
        for _ in range(10):
            left = left and spent["large"].draw(batches, -(-len(large) // (10 * _TURNS)))
            most = max(most, resident())
    assert spent["large"].rows == len(large)
    for each in spent.values():
        print(f"{each.rows:>10,} rows drawn: {each.rate:,.0f} in a second of processor time")
    of_files = resident(of_files=True) - of_files
    print(
        f"memory {before:.0f} + {most - before:.0f} MiB, {of_files:.0f} of them pages of files, "
        f"{time.perf_counter() - start:.0f} s"
    )
    slower = 1 - spent["large"].rate / spent["small"].rate
    return {"open": opening, "growth": most - before, "slower": slower}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--format", choices=["parquet", "arrow"], default="parquet")
    parser.add_argument("--embedded", action="store_true", help="images within the table")
    parser.add_argument("--inputs", nargs="+", default=["image", "text", "number"])
    parser.add_argument("--go-through", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.go_through:
        with tempfile.TemporaryDirectory() as name:
            folders = [Path(name, "small"), Path(name, "large")]
            for folder, rows in zip(folders, (args.small, args.rows), strict=True):
                folder.mkdir()
                make_table(folder, rows, args.images, args.format, args.embedded)
            command = [sys.executable, "-W", "ignore", __file__, "--inputs", *args.inputs]
            sys.exit(subprocess.run([*command, "--go-through", *folders]).returncode)
    found = go_through(*args.go_through, args.inputs)
    for name, value in found.items():
        print(f"{name:7}{value:8.2f} of at most {BARS[name]:g}")
    sys.exit(any(value > BARS[name] for name, value in found.items()))


if __name__ == "__main__":
    main()
