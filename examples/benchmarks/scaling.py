"""How cost grows with samples, regions, tokens and modalities, and a plan for ten million samples.

    python examples/benchmarks/scaling.py [--quick] [--output scaling.png] [--cores 64]

Regions, tokens and modalities: milliseconds of a training step of 64 random samples, forward and
backward, of images alone, texts alone, both, and several columns of texts. Samples: seconds of a
whole `fit` of one epoch. All are processor time of one thread, which other programs hardly change.
The plan multiplies rates measured here. It assumes that processes share the work without loss,
which was not tested, and that storage keeps up. Needs `mmgraph[pretrained,parquet]` and matplotlib;
for Linux.
"""

from __future__ import annotations

import argparse
import copy
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image as PILImage
from turns import take_turns

from mmgraph import (
    GraphFusion,
    Image,
    MultimodalGraphClassifier,
    MultimodalModel,
    ParquetTable,
    Text,
)
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.disk_dataset import DiskDataset
from mmgraph.modalities.base import Modality
from mmgraph.nn.tasks import Multiclass

CHANNELS, BATCH, CLASSES, TOKENS = 64, 64, 10, 32
WORDS = ("quick", "lazy", "old", "new", "tall", "small", "bright", "dark", "house", "tree")

#: Features of an image by the default backbone at 160 pixels: channels, rows, columns.
REGIONS = (1472, 5, 5)

#: What the plan is for; bytes of a photograph of about a quarter of a megapixel, as JPEG.
ROWS, EPOCHS, PHOTO = 10_000_000, 15, 50_000


def make_texts(samples: int, words: int) -> list[str]:
    """Return texts of as many words, each of which is one token."""
    random = np.random.default_rng(0)
    return [" ".join(row) for row in random.choice(WORDS, (samples, words))]


def image_part(side: int) -> tuple[Modality, list]:
    """Return images with features of side × side regions, as a frozen backbone leaves them."""
    image = copy.copy(Image("image"))
    image.shape_ = (REGIONS[0], side, side)
    image.mean_, image.std_ = torch.zeros(REGIONS[0]), torch.ones(REGIONS[0])
    return image, [[{"features": torch.randn(side * side, REGIONS[0])}] for _ in range(BATCH)]


def text_part(tokens: int, name: str = "text") -> tuple[Modality, list]:
    """Return texts of as many tokens."""
    cells = [[text] for text in make_texts(BATCH, tokens)]
    text = Text(name, features=None, max_tokens=tokens).fit(cells)
    return text, text.transform(cells)


def training_step(parts: Sequence[tuple[Modality, list]]) -> Callable[[], None]:
    """Return a training step of one batch, to be called."""
    modalities = [modality for modality, _ in parts]
    items = {modality.node_type: items for modality, items in parts}
    batch = SampleDataset(modalities, items).collate(range(BATCH))
    fusion = GraphFusion({each.node_type: each.relations() for each in modalities}, CHANNELS)
    encoders = {each.node_type: each.make_encoder(CHANNELS) for each in modalities}
    model = MultimodalModel(encoders, fusion, Multiclass(CLASSES))
    target = torch.arange(BATCH) % CLASSES

    def step() -> None:
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(batch.items), target).backward()

    return step


def step_costs(quick: bool) -> dict[str, dict[int, float]]:
    """Return milliseconds of a step by what grows and how large it is."""
    sides, tokens, modalities = (2, 4, 6, 8, 10), (16, 32, 64, 128, 256), (1, 2, 3, 4, 6)
    if quick:
        sides, tokens, modalities = sides[:2], tokens[:2], modalities[:2]
    arms = {("regions", side**2): training_step([image_part(side)]) for side in sides}
    arms |= {("tokens", each): training_step([text_part(each)]) for each in tokens}
    arms |= {
        ("regions x tokens", side**2 * each): training_step([image_part(side), text_part(each)])
        for side, each in zip(sides, tokens, strict=True)
    }
    arms |= {
        ("modalities", each): training_step([text_part(TOKENS, f"t{n}") for n in range(each)])
        for each in modalities
    }
    arms[("plan", 1)] = training_step([image_part(REGIONS[1]), text_part(TOKENS)])
    times = take_turns(
        {f"{name} {size}": arm for (name, size), arm in arms.items()}, 1 if quick else 3
    )
    costs: dict[str, dict[int, float]] = {}
    for name, size in arms:
        costs.setdefault(name, {})[size] = statistics.median(times[f"{name} {size}"])
    return costs


def fit_costs(quick: bool) -> dict[int, float]:
    """Return seconds of fitting one epoch by number of samples."""
    costs = {}
    sizes = (64, 128) if quick else (250, 500, 1000, 2000)
    for rows in (sizes[0], *sizes):  # the first fit imports much, and is not counted
        frame = pd.DataFrame({"text": make_texts(rows, TOKENS)})
        frame["label"] = np.arange(rows) % 2
        clf = MultimodalGraphClassifier(
            [Text("text", features=None)], epochs=1, verbose=False, refit=False
        )
        start = time.process_time()
        clf.fit(frame, "label")
        costs[rows] = time.process_time() - start
    return costs


def rate(function: Callable[[], object], samples: int) -> float:
    """Return samples a second, after a first call that loads what is needed."""
    function()
    start = time.process_time()
    function()
    return samples / (time.process_time() - start)


def feature_rates(samples: int) -> dict[str, float]:
    """Return samples a second of what is done once for each, and of reading it in each epoch."""
    random = np.random.default_rng(0)
    photos = []
    for pixels in random.integers(0, 255, (samples, 20, 30, 3), np.uint8):
        file = io.BytesIO()
        PILImage.fromarray(pixels).resize((600, 400)).save(file, "JPEG")
        photos.append([file.getvalue()])
    texts = [[f"{text} {number}"] for number, text in enumerate(make_texts(samples, TOKENS))]
    image, text = Image("image", cache=False), Text("text", cache=False).fit(texts)
    rates = {
        "images": rate(lambda: image.transform(photos), samples),
        "texts": rate(lambda: text.transform(texts), samples),
    }
    image.cache = text.cache = True
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MMGRAPH_CACHE"] = folder
        rates["read"] = rate(lambda: (image.transform(photos), text.transform(texts)), samples)
    return rates


def bytes_of_row(rows: int = 2_000_000) -> float:
    """Return the bytes that a process keeps for each row of a table on disk while it trains."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "rows.parquet")
        pd.DataFrame({"number": np.zeros(rows, np.int8)}).to_parquet(path, row_group_size=5000)
        table = ParquetTable(path)
        table.take(np.arange(2))  # so that what pyarrow needs is not counted
        before = resident()
        length, target = np.zeros(rows, np.int32), torch.zeros(rows, dtype=torch.long)
        stream = DiskDataset([], table, np.arange(rows), length, target)
        training = stream.subset(np.arange(rows))
        batches = iter(training.loader(BATCH, shuffle=True)._index_sampler)
        next(batches)
        return (resident() - before) / rows


def resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def plan(rates: dict[str, float], row_bytes: float, cores: int) -> list[list[str]]:
    """Return what ten million pairs of a photograph and a text take, as rows of a table."""
    regions = 4 * REGIONS[0] * REGIONS[1] * REGIONS[2]
    tokens = 4 * TOKENS * (384 + 2)  # features and spans of each token, float32
    hours = {name: ROWS / (value * cores * 3600) for name, value in rates.items()}
    lines = [
        ["photographs on disk", f"{ROWS * PHOTO / 1e12:.2f} TB at {PHOTO // 1000} kB each"],
        ["cache of image features", f"{ROWS * regions / 1e12:.2f} TB, {regions // 1000} kB each"],
        ["cache of token features", f"{ROWS * tokens / 1e12:.2f} TB, {tokens // 1000} kB each"],
        ["memory for rows", f"{ROWS * row_bytes / 1e9:.2f} GB in each process"],
    ]
    for machines in (1, 8):
        # Each machine has a cache of its own, and computes what it has not seen yet.
        seen = 1 - (1 - 1 / machines) ** EPOCHS
        epochs = EPOCHS * (hours["steps"] + hours["read"]) / machines
        features = seen * (hours["images"] + hours["texts"])
        lines.append(
            [
                f"hours on {machines} x {cores} cores",
                f"{seen * hours['images']:.1f} images, {seen * hours['texts']:.1f} texts, "
                f"{epochs:.1f} for {EPOCHS} epochs; {features + epochs:.1f} in all",
            ]
        )
    return lines


def draw(costs: dict[str, dict[int, float]], path: Path) -> None:
    """Write a picture of the costs, with a line of proportional growth in each."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(costs), figsize=(3 * len(costs), 2.8), layout="constrained")
    for axis, (name, values) in zip(axes, costs.items(), strict=True):
        x, y = np.array(list(values)), np.array(list(values.values()))
        axis.plot(x, y, "o-", label="measured")
        axis.plot(x, y[-1] * x / x[-1], ":", color="gray", label="proportional")
        if name == "modalities":
            axis.plot(x, y[-1] * (x / x[-1]) ** 2, "--", color="gray", label="square")
            axis.legend(frameon=False)
        axis.set(xlabel=name, xlim=(0, None), ylim=(0, None))
        axis.set_ylabel("s for fit" if name == "samples" else f"ms for a step of {BATCH}")
    axes[0].legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few sizes, no plan")
    parser.add_argument("--cores", type=int, default=64, help="of each machine in the plan")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    costs = {"samples": fit_costs(args.quick), **step_costs(args.quick)}
    steps = costs.pop("plan")[1]
    for name, values in costs.items():
        smallest = min(values)
        grown = "  ".join(
            f"{size:,}: {value:.3g} (x{value / values[smallest]:.1f})"
            for size, value in values.items()
        )
        print(f"{name:18}{grown}", flush=True)
    if args.output:
        draw(costs, args.output)
    if not args.quick:
        rates = feature_rates(64) | {"steps": BATCH / steps * 1000}
        print("samples a second on one thread: ", end="")
        print(", ".join(f"{name} {value:,.0f}" for name, value in rates.items()))
        for what, value in plan(rates, bytes_of_row(), args.cores):
            print(f"{what:28}{value}")


if __name__ == "__main__":
    main()
