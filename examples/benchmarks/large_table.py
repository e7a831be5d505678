"""Open a long Parquet table and go through its batches once: seconds, memory, rows a second.

    python examples/benchmarks/large_table.py [--rows 100000] [--small 10000] [--inputs number]

The rows (a text, the path of one of a few images, a number) are in files of 50,000 rows, in row
groups of 5,000. A fresh process opens the folder, looks at all rows and fits the modalities on some
of them; then it draws every batch of one epoch. Its resident memory is compared with that before
the first batch, and its speed with the mean of that on a small table before and after. With numbers
alone there is next to nothing to decode, so that reading the table shows. For Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PILImage

WORDS = ("quick", "lazy", "old", "new", "tall", "small", "bright", "dark", "house", "tree")

#: Seconds to open, growth of memory in MiB, and loss of speed that are allowed.
BARS = {"open": 5.0, "growth": 200.0, "slower": 0.15}

_FILE, _GROUP = 50_000, 5_000


def make_table(folder: Path, rows: int, images: int) -> None:
    """Write the files of a table, and its images."""
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
        frame.to_parquet(folder / f"{start:09d}.parquet", row_group_size=_GROUP, index=False)


def resident() -> float:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def go_through(folder: Path, inputs: list[str]) -> dict[str, float]:
    """Open the table and draw its batches once; return what it took."""
    import torch

    from mmgraph import Image, ParquetTable, Tabular, Text
    from mmgraph.streaming import StreamDataset, fit_on_sample

    torch.set_num_threads(1)
    start = time.perf_counter()
    table = ParquetTable(folder)
    rows = len(table)
    found = {"open": time.perf_counter() - start}
    start = time.perf_counter()
    known = {
        "image": Image("image", backbone=None, size=32, root=folder),
        "text": Text("text", features=None, vocabulary_size=400),
        "number": Tabular(["number"]),
    }
    modalities = [known[name] for name in inputs]
    target = torch.from_numpy(table["label"].to_numpy().copy())
    fitted, survey = fit_on_sample(modalities, table, seed=0)
    found["fit"] = time.perf_counter() - start
    dataset = StreamDataset(fitted, table.select(inputs), np.arange(rows), survey.length, target)
    before = most = resident()
    start = time.perf_counter()
    seen = 0
    for number, batch in enumerate(dataset.loader(64, shuffle=True)):
        seen += len(batch.target)
        if number % 20 == 0:
            most = max(most, resident())
    found["rate"] = seen / (time.perf_counter() - start)
    assert seen == rows
    return found | {"rows": seen, "before": before, "growth": most - before}


def measure(rows: int, images: int, inputs: list[str]) -> dict[str, float]:
    """Go through a table of so many rows in a fresh process."""
    with tempfile.TemporaryDirectory() as name:
        make_table(Path(name), rows, images)
        child = [
            sys.executable,
            "-W",
            "ignore",
            __file__,
            "--go-through",
            name,
            "--inputs",
            *inputs,
        ]
        done = subprocess.run(child, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{found['rows']:>10,} rows: open {found['open']:.2f} s, look and fit {found['fit']:.1f} s,"
        f" {found['rate']:,.0f} rows a second, memory {found['before']:.0f} MiB"
        f" + {found['growth']:.0f} MiB",
        flush=True,
    )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--inputs", nargs="+", default=["image", "text", "number"])
    parser.add_argument("--go-through", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.go_through:
        print(json.dumps(go_through(args.go_through, args.inputs)))
        return
    sizes = (args.small, args.rows, args.small)
    before, large, after = (measure(rows, args.images, args.inputs) for rows in sizes)
    slower = 1 - 2 * large["rate"] / (before["rate"] + after["rate"])
    found = {"open": large["open"], "growth": large["growth"], "slower": slower}
    for name, value in found.items():
        print(f"{name:7}{value:8.2f} of at most {BARS[name]:g}")
    sys.exit(any(value > BARS[name] for name, value in found.items()))


if __name__ == "__main__":
    main()
