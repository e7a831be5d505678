"""Find the drawings most like a held-out one, by the distance of fused vectors.

    python examples/retrieval.py [--rows 400] [--epochs 3] [--output results]

`transform` returns one vector a row, image and text fused. A neighbour counts as right if it is of
the same class; precision@k is the share of right ones among the k nearest training rows.
Writes retrieval.png: six held-out drawings, each with its nearest neighbours.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image as PILImage
from sklearn.neighbors import NearestNeighbors

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.datasets import load_openclipart


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, help="use only some training and test rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--neighbours", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path("results"))
    return parser.parse_args()


def draw(test: pd.DataFrame, train: pd.DataFrame, nearest: np.ndarray, path: Path) -> None:
    """Draw a held-out row in each line, and its neighbours to the right of it."""
    shown = np.linspace(0, len(test) - 1, 6).astype(int)
    figure, axes = plt.subplots(6, 1 + nearest.shape[1], figsize=(9, 10), layout="constrained")
    for line, row in zip(axes, shown, strict=True):
        wanted = test.iloc[row]
        rows = [wanted, *(train.iloc[number] for number in nearest[row])]
        for place, (axis, each) in enumerate(zip(line, rows, strict=True)):
            axis.imshow(PILImage.open(each["image"]).convert("RGB"))
            right = each["label"] == wanted["label"]
            colour = "black" if place == 0 else "green" if right else "firebrick"
            axis.set_title(each["label"], fontsize=8, color=colour)
            axis.set_axis_off()
    axes[0, 0].annotate("held out", (0, 1.25), xycoords="axes fraction", fontsize=9)
    axes[0, 1].annotate("nearest", (0, 1.25), xycoords="axes fraction", fontsize=9)
    figure.savefig(path, dpi=100)


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    data = load_openclipart()
    train = data.part("train", "val").sample(frac=1, random_state=0)[: arguments.rows]
    test = data.part("test")[: arguments.rows]
    model = MultimodalGraphClassifier(
        [Image("image"), Text("text")], epochs=arguments.epochs, verbose=False
    )
    model.fit(train, train["label"], groups=train["group"])
    search = NearestNeighbors(n_neighbors=arguments.neighbours, metric="cosine")
    nearest = search.fit(model.transform(train)).kneighbors(
        model.transform(test), return_distance=False
    )
    label = train["label"].to_numpy()
    right = label[nearest] == test["label"].to_numpy()[:, None]
    # What neighbours drawn by chance would have.
    shares = test["label"].map(train["label"].value_counts(normalize=True)).fillna(0)
    arguments.output.mkdir(parents=True, exist_ok=True)
    draw(test, train, nearest, arguments.output / "retrieval.png")
    print(f"precision@1={right[:, 0].mean():.3f} on {len(test)} held-out rows")
    print(f"precision@{arguments.neighbours}={right.mean():.3f} (by chance {shares.mean():.3f})")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
