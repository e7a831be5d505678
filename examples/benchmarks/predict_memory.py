"""Memory and speed of `mmgraph predict` on a long table with few distinct images.

    python examples/benchmarks/predict_memory.py [--rows 100000] [--images 1000] [--pretrained]

A small model is fitted on the first rows. A fresh process then predicts the whole table from the
shell. Measured is how far its resident memory grows above that with the model loaded, and its
frozen networks with it, which otherwise wait for the first row that is not in the cache. For Linux.
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
from typing import Any

import numpy as np
from PIL import Image as PILImage

#: Growth that is allowed.
BAR = 300 * 2**20

TRAINING_ROWS = 200
WORDS = ("quick", "lazy", "old", "new", "tall", "small", "bright", "dark")


def make_table(folder: Path, rows: int, images: int) -> Path:
    """Write a table of pictures and captions, and return its path."""
    random = np.random.default_rng(0)
    for number in range(images):
        shade = 160 if number % 2 else 90
        pixels = np.clip(random.normal(shade, 40, (64, 64, 3)), 0, 255).astype(np.uint8)
        PILImage.fromarray(pixels).save(folder / f"{number}.png")
    path = folder / "table.csv"
    with path.open("w") as file:
        file.write("image,text,label\n")
        for number in range(rows):
            image = number % images
            words = " ".join(random.choice(WORDS, 6))
            file.write(f"{image}.png,{words} {number},{'light' if image % 2 else 'dark'}\n")
    return path


def resident(what: str) -> int:
    """Return the process's resident memory in bytes: "VmRSS" now, or "VmHWM" at most."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(what))
    return int(line.split()[1]) * 1024


def predict(folder: Path) -> None:
    """Predict the table in this process, and print its memory and time as JSON."""
    from mmgraph.cli import app, models
    from mmgraph.tables.table_file import TableFile

    load, seen = models.load_model, {}
    table, output = folder / "table.csv", folder / "predictions.csv"

    def load_and_look(*arguments: object) -> object:
        estimator: Any = load(*arguments)  # type: ignore[arg-type]
        seen["loaded"] = resident("VmRSS")
        unseen = next(TableFile(table).parts(TRAINING_ROWS + 1)).tail(1)
        estimator.fitted_.predict(unseen, start=None)
        seen["networks"], seen["start"] = resident("VmRSS"), time.perf_counter()
        Path("/proc/self/clear_refs").write_text("5")  # the highest from here on
        return estimator

    models.load_model = load_and_look
    command = ["predict", folder / "model", table, "--output", output, "--quiet"]
    app(list(map(str, command)), standalone_mode=False)
    seconds = time.perf_counter() - seen["start"]
    print(json.dumps(seen | {"most": resident("VmHWM"), "seconds": seconds}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--pretrained", action="store_true", help="the default encoders")
    parser.add_argument("--predict", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.predict:
        predict(args.predict)
        return
    from mmgraph import Image, MultimodalGraphClassifier, Text
    from mmgraph.tables.table_file import TableFile

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["MMGRAPH_CACHE"] = str(folder / "cache")
        table = TableFile(make_table(folder, args.rows, args.images))
        train = next(table.parts(TRAINING_ROWS))
        modalities = [Image("image", root=folder), Text("text")]
        if not args.pretrained:
            image = Image("image", backbone=None, size=16, root=folder)
            modalities = [image, Text("text", features=None)]
        clf = MultimodalGraphClassifier(modalities, channels=16, epochs=2, verbose=False)
        clf.fit(train, "label").save(folder / "model")
        child = [sys.executable, "-W", "ignore", __file__, "--predict", name]
        done = subprocess.run(child, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        written = TableFile(folder / "predictions.csv").count_rows()
    growth = found["most"] - found["networks"]
    print(f"rows read and written    {args.rows:,} {written:,}")
    print(f"memory, model loaded     {found['loaded'] / 2**20:.0f} MiB")
    print(f"frozen networks loaded   {found['networks'] / 2**20:.0f} MiB")
    print(f"growth above that        {growth / 2**20:.0f} MiB of at most {BAR / 2**20:.0f}")
    print(f"rows a second            {written / found['seconds']:.0f}")
    sys.exit(growth > BAR or written != args.rows)


if __name__ == "__main__":
    main()
