"""Compare ways to fuse images and texts on openclipart, all else being equal.

    python examples/fusion_methods.py                                      # about ten minutes
    python examples/fusion_methods.py --methods concat graph
    python examples/fusion_methods.py --rows 60 --epochs 2                 # a quick try

Every method gets the same frozen encoders, training rows and seed, and no linear model beside it.
The best epoch is chosen on a tenth of the training split, and the scores are those of the
validation split; the test split is not read. The parameters are those of the fusion and the head.
One seed tells apart large differences only.
"""

from __future__ import annotations

import argparse
import time

import pandas as pd
from sklearn.metrics import accuracy_score, f1_score

from mmgraph import Image, MultimodalGraphClassifier, Text, load_openclipart
from mmgraph.data import fit_modality, transform
from mmgraph.nn.fusion import (
    BilinearFusion,
    BottleneckFusion,
    ConcatFusion,
    CrossAttentionFusion,
    FiLMFusion,
    GatedFusion,
    GraphFusion,
    LateFusion,
    LowRankFusion,
    TensorFusion,
    WeightedSumFusion,
)

METHODS = {
    "concat": ConcatFusion,
    "weighted-sum": WeightedSumFusion,
    "late": LateFusion,
    "gated": GatedFusion,
    "tensor": TensorFusion,
    "low-rank": LowRankFusion,
    "bilinear": BilinearFusion,
    "film": FiLMFusion,
    "cross-attention": CrossAttentionFusion,
    "bottleneck": BottleneckFusion,
    "graph": GraphFusion,
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--rows", type=int, help="use only some training and validation rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def read_data(rows: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_openclipart()
    train, val = data.part("train"), data.part("val")
    if rows:
        train = train.groupby("label").head(-(-rows // train["label"].nunique()))
        val = val.sample(min(rows, len(val)), random_state=0)
    return train, val


def evaluate(
    method: str, train: pd.DataFrame, val: pd.DataFrame, epochs: int, seed: int
) -> dict[str, float]:
    """Return the scores of one method on the validation rows."""
    start = time.perf_counter()
    classifier = MultimodalGraphClassifier(
        [Image("image"), Text("text")],
        fusion=METHODS[method],
        additive=False,  # the fusions by themselves, without the linear model beside them
        epochs=epochs,
        random_state=seed,
        verbose=False,
    )
    classifier.fit(train, train["label"], groups=train["group"])
    predicted = classifier.predict(val)
    trained = [classifier.model_.fusion, classifier.model_.head]
    return {
        "accuracy": accuracy_score(val["label"], predicted),
        "macro-F1": f1_score(val["label"], predicted, average="macro"),
        "parameters": sum(each.numel() for part in trained for each in part.parameters()),
        "seconds": time.perf_counter() - start,
    }


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    train, val = read_data(arguments.rows)
    # The frozen features are computed once, so that no method pays for them.
    for modality in (Image("image"), Text("text")):
        fitted = fit_modality(modality, train, seed=arguments.seed)
        transform([fitted], pd.concat([train, val]))
    print(f"{len(train)} training and {len(val)} validation drawings, seed {arguments.seed}")
    print(f"{'method':16} accuracy  macro-F1  parameters  seconds")
    for method in arguments.methods:
        scores = evaluate(method, train, val, arguments.epochs, arguments.seed)
        print(
            f"{method:16} {scores['accuracy']:8.3f} {scores['macro-F1']:9.3f} "
            f"{scores['parameters']:11,} {scores['seconds']:8.1f}",
            flush=True,
        )
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
