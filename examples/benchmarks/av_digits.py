"""Digits seen and received: an image and a spoken clip of each, speakers of the test unheard.

    python examples/benchmarks/av_digits.py FOLDER [--split val] [--seeds 0 1 2]

FOLDER holds manifest.csv with the columns image, audio, label, speaker and split ("train", "val",
"test"), in the manner of AV-MNIST. Everything is trained from scratch with the estimator's
defaults; logistic regressions on pixels and on the spectrogram, and their average, stand beside.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmgraph import Audio, Image, MultimodalGraphClassifier
from mmgraph.datasets import load_av_digits


def baselines(train: pd.DataFrame, test: pd.DataFrame) -> dict[str, float]:
    """Return the accuracy of logistic regressions, alone and averaged."""
    probability = {}
    for modality, key in ((Image("image", backbone=None, size=28), "pixels"), (Audio(), "summary")):
        x = []
        for frame in (train, test):
            samples = modality.transform([[path] for path in frame[modality.columns]])
            x.append(np.stack([items[0][key].numpy().ravel() for items in samples]))
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=500))
        probability[key] = model.fit(x[0], train["label"]).predict_proba(x[1])
    probability["averaged"] = sum(probability.values())
    classes = np.unique(train["label"])
    return {
        f"logistic regression, {name}": float((classes[p.argmax(1)] == test["label"]).mean())
        for name, p in probability.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", choices=["val", "test"], default="test")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--rows", type=int, help="use only some training rows")
    parser.add_argument("--epochs", type=int, default=15)
    args = parser.parse_args()
    digits = load_av_digits(args.folder)
    used = ["train", "val"] if args.split == "test" else ["train"]
    train, test = digits.part(*used)[: args.rows], digits.part(args.split)
    for name, accuracy in baselines(train, test).items():
        print(f"{name:36} {accuracy:.3f}", flush=True)
    scores = []
    for seed in args.seeds:
        start = time.perf_counter()
        clf = MultimodalGraphClassifier(
            digits.modalities,
            random_state=seed,
            epochs=args.epochs,
            verbose=False,
        )
        clf.fit(train, train["label"], groups=train["speaker"])
        scores.append(clf.score(test, test["label"]))
        seconds = time.perf_counter() - start
        print(f"mmgraph, seed {seed:<23} {scores[-1]:.3f} ({seconds:.0f} s)", flush=True)
    print(f"{'mmgraph, mean ± std':36} {np.mean(scores):.3f} ± {np.std(scores):.3f}")


if __name__ == "__main__":
    main()
