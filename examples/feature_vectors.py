"""Two precomputed vectors a sample, fused in three ways: concatenation, weighted sum, graph.

    python examples/feature_vectors.py                                        # a few minutes
    python examples/feature_vectors.py --samples 300 --epochs 8 --seeds 1     # under a minute

An image vector of 4,096 numbers (as many as VGG's last hidden layer has) and a text vector of
3,000 are made from eight hidden factors each. The class is decided by a stated rule,

    first image factor + first text factor + 1.5 × second image factor × second text factor > 0,

so that both modalities matter, by themselves and in how they go together.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd

from mmgraph import Features, MultimodalGraphClassifier
from mmgraph.nn import ConcatFusion, GraphFusion, WeightedSumFusion

FACTORS = 8
MODELS = {
    "image alone": (["image"], ConcatFusion),
    "text alone": (["text"], ConcatFusion),
    "weighted sum": (["image", "text"], WeightedSumFusion),
    "concatenation": (["image", "text"], ConcatFusion),
    "graph": (["image", "text"], GraphFusion),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--samples", type=int, default=600, help="training samples")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3, help="data sets and models of each kind")
    return parser.parse_args()


def make_data(samples: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return image and text vectors of some samples, and the class of each."""
    random = np.random.default_rng(seed)
    image, text = random.normal(size=(2, samples, FACTORS))
    label = image[:, 0] + text[:, 0] + 1.5 * image[:, 1] * text[:, 1] > 0

    def observe(factors: np.ndarray, width: int) -> np.ndarray:
        mixed = factors @ random.normal(size=(FACTORS, width))
        return (mixed + 2 * random.normal(size=mixed.shape)).astype(np.float32)

    vectors = {
        "image": list(observe(image, 4096).clip(0)),  # rectified, as a CNN's features are
        "text": list(observe(text, 3000)),
    }
    return pd.DataFrame(vectors), np.where(label, "yes", "no")


def evaluate(name: str, samples: int, epochs: int, seed: int) -> float:
    """Return the accuracy of a model on 400 samples that it was not trained on."""
    columns, fusion = MODELS[name]
    frame, label = make_data(samples + 400, seed)
    classifier = MultimodalGraphClassifier(
        [Features(column) for column in columns],
        fusion=fusion,
        linear=False,  # the fusions by themselves, without the linear model beside them
        epochs=epochs,
        batch_size=32,
        random_state=seed,
        verbose=False,
    )
    classifier.fit(frame[:samples], label[:samples])
    return classifier.score(frame[samples:], label[samples:])


def main() -> None:
    arguments = parse_arguments()
    print(f"{arguments.samples} training samples, {arguments.seeds} seeds")
    print(f"{'model':16} test accuracy  seconds a fit")
    start = time.perf_counter()
    for name in MODELS:
        since = time.perf_counter()
        scores = [
            evaluate(name, arguments.samples, arguments.epochs, seed)
            for seed in range(arguments.seeds)
        ]
        seconds = (time.perf_counter() - since) / arguments.seeds
        print(f"{name:16} {np.mean(scores):.3f} ± {np.std(scores):.3f}  {seconds:13.1f}")
    print(f"graph accuracy={np.mean(scores):.3f} seconds={time.perf_counter() - start:.0f}")


if __name__ == "__main__":
    main()
