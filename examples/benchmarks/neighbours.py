"""Score the cross-fitted cheap parts on openclipart: linear model, and nearest rows beside it.

Grouped folds of all drawings, shuffled anew by each seed; the graph is not trained unless asked
for. Features are cached, so that only the first fit reads the drawings.

    python examples/benchmarks/neighbours.py --seeds 0 1 2
    python examples/benchmarks/neighbours.py --rows 333 --graph auto
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, f1_score, log_loss
from sklearn.model_selection import StratifiedGroupKFold

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.datasets import load_openclipart

METHODS: dict[str, dict[str, Any]] = {
    "linear model": {"neighbours": False},
    "with neighbours": {},
}
GRAPH = {"auto": "auto", "always": True, "never": False}


def calibration_error(probability: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Return the mean distance of confidence and accuracy over bins of confidence (ECE)."""
    confidence = probability.max(1)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == n].sum() - right[place == n].sum()) for n in set(place)]
    return float(sum(gaps) / len(confidence))


def score(classes: np.ndarray, label: pd.Series, probability: np.ndarray) -> dict[str, float]:
    predicted = classes[probability.argmax(1)]
    return {
        "accuracy": accuracy_score(label, predicted),
        "macro-F1": f1_score(label, predicted, average="macro"),
        "log loss": log_loss(label, probability.astype(float), labels=classes),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the folds")
    parser.add_argument("--folds", type=int, default=5, help="folds to run, of five")
    parser.add_argument("--rows", type=int, help="training rows to draw; all by default")
    parser.add_argument("--graph", choices=GRAPH, default="never", help="whether it is trained")
    args = parser.parse_args()
    frame = load_openclipart().frame
    found: list[dict[str, Any]] = []
    for seed in args.seeds:
        folds = StratifiedGroupKFold(5, shuffle=True, random_state=seed)
        splits = list(folds.split(frame, frame["label"], frame["group"]))[: args.folds]
        for method, options in METHODS.items():
            said, right = [], []
            for train, test in splits:
                order = np.random.default_rng(seed).permutation(train)
                rows, others = frame.iloc[np.sort(order[: args.rows])], frame.iloc[test]
                others = others[others["label"].isin(rows["label"])]
                start = time.process_time()
                modalities = [Image("image"), Text("text")]
                clf = MultimodalGraphClassifier(
                    modalities, graph=GRAPH[args.graph], random_state=seed, verbose=False, **options
                ).fit(rows, rows["label"], groups=rows["group"])
                seconds = time.process_time() - start
                probability = clf.predict_proba(others)
                scores = score(clf.classes_, others["label"], probability)
                said.append(probability.max(1, keepdims=True))
                right.append(clf.classes_[probability.argmax(1)] == others["label"])
                found.append({"method": method, **scores, "CPU seconds": seconds})
                shown = " ".join(f"{name} {value:.3f}" for name, value in scores.items())
                print(f"{method:28} {shown}  {seconds:.0f} s", flush=True)
            error = calibration_error(np.concatenate(said), np.concatenate(right))
            print(f"{method:28} ECE over the folds of seed {seed}: {error:.3f}", flush=True)
    table = pd.DataFrame(found).groupby("method", sort=False)
    print(table.agg(["mean", "std"]).round(3).to_string())


if __name__ == "__main__":
    main()
