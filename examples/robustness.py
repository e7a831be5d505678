"""Hide a random part of openclipart's images and texts, and see how models bear it.

    python examples/robustness.py [--split val] [--rows 400] [--epochs 3] [--output results]

Compared, all on the same frozen features: the graph trained with modality dropout;
concatenation, where a missing modality is zeros; and logistic regressions on each modality alone,
averaged over what a row has. Writes robustness.csv and robustness.png.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmgraph import Image, MultimodalGraphClassifier, Text, robustness_curve
from mmgraph.datasets import load_openclipart
from mmgraph.nn import ConcatFusion
from mmgraph.plot import plot_robustness


class Unimodal(ClassifierMixin, BaseEstimator):
    """Logistic regressions on CNN, sentence and TF-IDF features, averaged where present."""

    def fit(self, frame: pd.DataFrame, y: pd.Series) -> Unimodal:
        self.classes_, count = np.unique(y, return_counts=True)
        self.prior_ = 1e-9 * count / count.sum()  # decides where nothing is present
        self.image_, self.text_ = Image("image").fit(cells(frame, "image")), Text("text")
        self.text_ = self.text_.fit(cells(frame, "text"))
        steps: tuple[tuple[Any, ...], ...] = (
            (StandardScaler(), regression(0.003)),
            (StandardScaler(), regression(0.01)),
            (TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), regression(10)),
        )
        self.parts_ = []
        for (x, real), step in zip(self._features(frame), steps, strict=True):
            self.parts_.append(make_pipeline(*step).fit(x[real], y[real]))
        return self

    def predict(self, frame: pd.DataFrame) -> np.ndarray:
        total = np.tile(self.prior_, (len(frame), 1))
        for part, (x, real) in zip(self.parts_, self._features(frame), strict=True):
            if real.any():
                total[real] += part.predict_proba(x[real])
        return self.classes_[total.argmax(1)]

    def _features(self, frame: pd.DataFrame) -> list[tuple[np.ndarray, np.ndarray]]:
        texts = frame["text"].fillna("").to_numpy()
        image = stack(self.image_.transform(cells(frame, "image")), "features")
        text = stack(self.text_.transform(cells(frame, "text")), "summary")
        return [image, text, (texts, text[1])]


def regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, class_weight="balanced", max_iter=2000)


def cells(frame: pd.DataFrame, column: str) -> list[list[Any]]:
    return [[] if pd.isna(value) else [value] for value in frame[column]]


def stack(samples: list[list[dict[str, Any]]], key: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a mean vector of each row, and which rows have one."""
    real = np.array([bool(items) for items in samples])
    width = max((items[0][key].shape[-1] for items in samples if items), default=1)
    x = np.zeros((len(samples), width), np.float32)
    for row, items in enumerate(samples):
        if items:
            x[row] = items[0][key].reshape(-1, width).numpy().mean(0)
    return x, real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", choices=["val", "test"], default="test")
    parser.add_argument("--rows", type=int, help="use only some training and test rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--dropout", type=float, default=0.3, help="modality dropout")
    parser.add_argument("--output", type=Path, default=Path("results"))
    args = parser.parse_args()
    start = time.perf_counter()
    data = load_openclipart()
    used = ["train", "val"] if args.split == "test" else ["train"]
    train, test = data.part(*used)[: args.rows], data.part(args.split)[: args.rows]
    arms = {
        "graph, modality dropout": {"modality_dropout": args.dropout},
        "concatenation": {"fusion": ConcatFusion, "linear": False},
        "concatenation, modality dropout": {
            **{"fusion": ConcatFusion, "linear": False},
            "modality_dropout": args.dropout,
        },
    }
    models: dict[str, Any] = {"unimodal, averaged": Unimodal().fit(train, train["label"])}
    for name, options in arms.items():
        clf = MultimodalGraphClassifier(
            [Image("image"), Text("text")], epochs=args.epochs, verbose=False, **options
        )
        models[name] = clf.fit(train, train["label"], groups=train["group"])
    curve = robustness_curve(
        models, test, test["label"], modalities={"image": "image", "text": "text"}
    )
    args.output.mkdir(parents=True, exist_ok=True)
    curve.to_csv(args.output / "robustness.csv", index=False)
    plot_robustness(curve).savefig(args.output / "robustness.png", dpi=110)
    table = curve.pivot_table("score", ["modality", "rate"], "model", sort=False)
    print(f"accuracy on {len(test)} {args.split} rows, mean of five choices of hidden rows")
    print(table.round(3).to_string())
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
