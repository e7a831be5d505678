"""The pointing game on easy-VQA: do explanations point at the one shape that is drawn?

    python examples/explain_easy_vqa.py

Each picture shows one shape on a plain background, so the shape's pixels are known. For "what"
questions that the model answers right, it counts as a hit if the region with the highest score
shows some of the shape, or, more strictly, if the region's centre is on it.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image as PILImage

from mmgraph import Explanation, Image, MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_easy_vqa
from mmgraph.explain import EXPLAINERS, Explainer, Shapley

#: These take seconds a row; they are tried on fewer.
SLOW: dict[str, str | Explainer] = {"gnn_explainer": "gnn_explainer", "shapley": Shapley(orders=4)}
#: Sum of the differences of red, green and blue from which on a pixel is not background.
DIFFERENT = 30


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1200, help="questions to learn from")
    parser.add_argument("--size", type=int, default=320, help="side of the pictures in pixels")
    parser.add_argument("--from-scratch", action="store_true", help="no pretrained weights")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--model", type=Path, help="where to keep the model, or to find it")
    parser.add_argument("--part", choices=["val", "test"], default="test")
    parser.add_argument("--samples", type=int, default=500, help="right answers to explain")
    parser.add_argument("--slow-samples", type=int, default=30)
    names = list(EXPLAINERS)
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    return parser.parse_args()


def questions(part: str, rows: int) -> pd.DataFrame:
    found = load_easy_vqa().part(part)
    found = found[found["kind"] == "what"]
    return found.sample(min(rows, len(found)), random_state=0)


def find_model(arguments: argparse.Namespace) -> MultimodalGraphClassifier:
    if arguments.model and arguments.model.exists():
        return load(arguments.model)
    frozen = {"backbone": None, "color": 0.0} if arguments.from_scratch else {}
    modalities = [Image("image", size=arguments.size, **frozen), Text("question", features=None)]
    train = questions("train", arguments.rows)
    clf = MultimodalGraphClassifier(modalities, epochs=arguments.epochs)
    clf.fit(train, train["answer"], groups=train["image_id"])
    if arguments.model:
        clf.save(arguments.model)
    return clf


def find_shape(path: str) -> np.ndarray:
    """Return where a picture is not background: [height, width]."""
    pixels = np.asarray(PILImage.open(path).convert("RGB")).astype(int)
    return np.abs(pixels - pixels[0, 0]).sum(2) > DIFFERENT


def shape_by_region(shape: np.ndarray, explanation: Explanation) -> tuple[np.ndarray, ...]:
    """Say of each region whether it shows some of the shape, and whether its centre does."""
    height, width = shape.shape
    touches, centred = [], []
    for node in explanation.nodes:
        if node.modality == "image":
            left, top, right, bottom = np.array(node.place.box) * [width, height, width, height]
            inside = shape[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))]
            touches.append(inside.any())
            centred.append(shape[int((top + bottom) / 2), int((left + right) / 2)])
    return np.array(touches), np.array(centred)


def play(explanations: list[Explanation], shapes: list[np.ndarray]) -> dict[str, float]:
    """Return the share of hits, and that of regions drawn at random."""
    results = []
    for explanation, shape in zip(explanations, shapes, strict=True):
        scores = [node.score for node in explanation.nodes if node.modality == "image"]
        touches, centred = shape_by_region(shape, explanation)
        best = int(np.argmax(scores))
        results.append([touches[best], touches.mean(), centred[best], centred.mean()])
    names = ("hits", "random", "centre hits", "random centre")
    return dict(zip(names, np.mean(results, axis=0).tolist(), strict=True))


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(1)
    start = time.perf_counter()
    clf = find_model(arguments)
    rows = questions(arguments.part, 2 * arguments.samples)
    right = clf.predict(rows) == rows["answer"].to_numpy()
    print(f"accuracy on {len(rows)} {arguments.part} questions: {right.mean():.3f}")
    if not right.any():
        raise SystemExit("no question was answered right: learn from more --rows")
    rows = rows[right][: arguments.samples]
    results = {}
    for method in arguments.methods:
        chosen = rows[: arguments.slow_samples] if method in SLOW else rows
        before = time.perf_counter()
        explained = clf.explain(chosen, method=SLOW.get(method, method))
        seconds = (time.perf_counter() - before) / max(len(chosen), 1)
        found = play(explained, [find_shape(path) for path in chosen["image"]])
        results[method] = {"samples": len(chosen), **found, "seconds each": seconds}
    table = pd.DataFrame(results).T.astype({"samples": int})
    print(table.sort_values("hits", ascending=False).to_string(float_format="{:.3f}".format))
    print(f"{time.perf_counter() - start:.0f} seconds with one thread")


if __name__ == "__main__":
    main()
