"""Guess the keywords of drawings from their pictures and titles: any number of labels a row.

    python examples/multilabel.py [--rows 400] [--epochs 3] [--labels 12]

The labels are the most frequent keywords of openclipart's training rows. The titles, which are an
input, lack the words of the category; a keyword that a title repeats is as easy as it sounds.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.datasets import load_openclipart


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, help="use only some training and test rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--labels", type=int, default=12)
    return parser.parse_args()


def keywords(text: pd.Series) -> list[list[str]]:
    """Return the keywords, which stand behind the title and a full stop."""
    return [row.partition(" . ")[2].split() for row in text.fillna("")]


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    data = load_openclipart()
    train = data.part("train", "val").sample(frac=1, random_state=0)[: arguments.rows]
    test = data.part("test")[: arguments.rows]
    found = keywords(train["text"])
    common = Counter(word for row in found for word in set(row)).most_common(arguments.labels)
    labels = [word for word, _ in common]

    def chosen(rows: list[list[str]]) -> list[list[str]]:
        return [[word for word in labels if word in row] for row in rows]

    model = MultimodalGraphClassifier(
        [Image("image"), Text("title")], epochs=arguments.epochs, verbose=False
    )
    model.fit(train, chosen(found), groups=train["group"])
    truth = np.array([[word in row for word in model.classes_] for row in keywords(test["text"])])
    predicted = model.predict(test)
    print(f"{len(train)} training, {len(test)} test rows, {truth.sum(1).mean():.2f} labels each")
    for word, real, guess in zip(model.classes_, truth.T, predicted.T, strict=True):
        print(f"{word:16} {real.sum():4} rows  F1 {f1_score(real, guess, zero_division=0):.3f}")
    everywhere = f1_score(truth, np.ones_like(predicted), average="micro", zero_division=0)
    micro = f1_score(truth, predicted, average="micro", zero_division=0)
    print(f"micro-F1={micro:.3f} (all labels for all rows: {everywhere:.3f})")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
