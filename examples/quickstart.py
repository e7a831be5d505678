"""Classify drawings with titles: by each alone, by both, and by each part of the model alone.

    python examples/quickstart.py                  # pretrained encoders, offline
    python examples/quickstart.py --from-scratch   # no pretrained weights at all

Writes the fitted model and a page of plots into --output.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.pipeline import make_pipeline

from mmgraph import Image, MultimodalGraphClassifier, Text, load
from mmgraph.comparison import PooledBaseline
from mmgraph.datasets import load_openclipart
from mmgraph.plot import plot_results


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--from-scratch", action="store_true", help="no pretrained weights")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, help="use only some training and test rows")
    parser.add_argument("--output", type=Path, default=Path("results/quickstart"))
    return parser.parse_args()


def read_data(rows: int | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    data = load_openclipart()
    # The validation split is training data here: `fit` holds out a part by itself.
    train, test = data.part("train", "val"), data.part("test")
    if rows:
        train = train.groupby("label").head(-(-rows // train["label"].nunique()))
        test = test.sample(min(rows, len(test)), random_state=0)
    return train, test


def make_models(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.from_scratch:
        image, text = Image("image", backbone=None, size=64), Text("text", features=None)
    else:
        image, text = Image("image"), Text("text")

    def model(modalities: list, **options: Any) -> MultimodalGraphClassifier:
        return MultimodalGraphClassifier(
            modalities, epochs=arguments.epochs, random_state=arguments.seed, **options
        )

    return {
        # The strongest baseline: a regression for each kind of features, pooled.
        "both, regressions pooled": PooledBaseline("log-pooling", [image, text]),
        "image, mmgraph": model([image]),
        "text, mmgraph": model([text]),
        "both, graph alone": model([image, text], linear=False),
        "both, linear model alone": model([image, text], graph=False, neighbours=False),
        "both, mmgraph": model([image, text]),
    }


def pick_samples(
    test: pd.DataFrame, classes: np.ndarray, probability: np.ndarray, count: int = 8
) -> list[dict]:
    """Choose drawings at random, a quarter of them wrongly classified ones."""
    wrong = classes[probability.argmax(1)] != test["label"].to_numpy()
    random = np.random.default_rng(0)
    chosen = [
        row
        for rows, share in (
            (np.flatnonzero(~wrong), 3 * count // 4),
            (np.flatnonzero(wrong), count // 4),
        )
        for row in random.permutation(rows)[:share]
    ]
    columns = {"image": "image", "text": "title", "true": "label"}
    return [
        {key: test.iloc[row][column] for key, column in columns.items()}
        | {"classes": classes, "probability": probability[row]}
        for row in chosen
    ]


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    train, test = read_data(arguments.rows)
    label = test["label"].to_numpy()
    print(
        f"{len(train)} training and {len(test)} test drawings, {train['label'].nunique()} classes"
    )
    print(f"{'model':26} accuracy  macro-F1  seconds")
    scores: dict[str, float] = {}

    def report(name: str, predicted: np.ndarray, since: float) -> None:
        scores[name] = float(accuracy_score(label, predicted))
        macro_f1 = f1_score(label, predicted, average="macro")
        print(f"{name:26} {scores[name]:8.3f} {macro_f1:9.3f} {time.perf_counter() - since:8.1f}")

    since = time.perf_counter()
    baseline = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
        LogisticRegression(C=10, class_weight="balanced", max_iter=1000),
    )
    baseline.fit(train["text"].fillna(""), train["label"])
    report("TF-IDF + LR", baseline.predict(test["text"].fillna("")), since)
    for name, classifier in make_models(arguments).items():
        since = time.perf_counter()
        classifier.fit(train, train["label"], groups=train["group"])
        probability = classifier.predict_proba(test)
        predicted = classifier.classes_[probability.argmax(1)]
        report(name, predicted, since)

    classifier.save(arguments.output / "model", overwrite=True)
    reloaded = load(arguments.output / "model").predict_proba(test[:1])
    assert np.allclose(reloaded, probability[:1], atol=1e-6)
    samples = pick_samples(test, classifier.classes_, probability)
    figure = plot_results(scores, classifier.history_, label, predicted, samples)
    figure.savefig(arguments.output / "results.png", dpi=110)
    print(f"wrote {arguments.output / 'model'} and {arguments.output / 'results.png'}")
    macro_f1 = f1_score(label, predicted, average="macro")
    seconds = time.perf_counter() - start
    accuracy = scores["both, mmgraph"]
    print(f"test accuracy={accuracy:.3f} macro_f1={macro_f1:.3f} seconds={seconds:.0f}")


if __name__ == "__main__":
    main()
