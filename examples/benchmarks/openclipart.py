"""Compare mmgraph's defaults with scikit-learn on openclipart, on the fixed split and 5 folds.

The baselines are what a practitioner writes in twenty lines: logistic regressions on TF-IDF, on the
pooled last map of a CNN and on sentence vectors, and their averages; and the same on all that
mmgraph takes from that CNN. Their penalties were chosen on the training data. The parts of each
fitted mmgraph, its linear model and its graph, are scored by themselves too.

    python examples/benchmarks/openclipart.py --seeds 0 1 2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np
import pandas as pd
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.datasets import load_openclipart

Scores = list[dict[str, object]]

#: How mmgraph's linear model and its graph are weighed to see one of them alone.
PARTS = {"mmgraph, linear model alone": (1.0, 0.0), "mmgraph, graph alone": (0.0, 1.0)}
#: Channels of the CNN's last map, which stand behind those of its earlier stages.
LAST = 1280


def splits(frame: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Yield the fixed split, then five folds that keep series together."""
    fixed = frame["split"] == "test"
    yield "fixed", frame[~fixed], frame[fixed]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for train, test in folds.split(frame, frame["label"], frame["group"]):
        yield "5 folds", frame.iloc[train], frame.iloc[test]


def regression(penalty: float, *steps: object) -> object:
    logistic = LogisticRegression(C=penalty, class_weight="balanced", max_iter=2000)
    return make_pipeline(*steps, logistic)


def frozen_features(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return mean region features and sentence vectors, zero where there is nothing."""
    columns = []
    for modality, key in ((Image("image"), "features"), (Text("text"), "summary")):
        cells = [[] if pd.isna(value) else [value] for value in frame[modality.columns]]
        samples = modality.fit(cells).transform(cells)
        width = max(item[key].shape[-1] for sample in samples for item in sample)
        vectors = np.zeros((len(frame), width), np.float32)
        for row, sample in enumerate(samples):
            for item in sample:
                vectors[row] = item[key].reshape(-1, width).mean(0)
        columns.append(vectors)
    return columns[0], columns[1]


def baselines(
    train: pd.DataFrame, test: pd.DataFrame, image: pd.DataFrame, text: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Return the baselines' test probabilities."""
    tfidf = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    label = train["label"]
    words = regression(10, tfidf).fit(train["text"].fillna(""), label)
    minilm = regression(0.01, StandardScaler()).fit(text.loc[train.index], label)
    found = {
        "TF-IDF": words.predict_proba(test["text"].fillna("")),
        "MiniLM": minilm.predict_proba(text.loc[test.index]),
    }
    for name, x in {"CNN": image.iloc[:, -LAST:], "CNN, all stages": image}.items():
        cnn = regression(0.003, StandardScaler()).fit(x.loc[train.index], label)
        found[name] = cnn.predict_proba(x.loc[test.index])
        found[f"{name} + TF-IDF"] = found[name] + found["TF-IDF"]
        found[f"{name} + TF-IDF + MiniLM"] = found[f"{name} + TF-IDF"] + found["MiniLM"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0], help="of mmgraph's fits")
    seeds = parser.parse_args().seeds
    frame = load_openclipart().frame
    image, text = (pd.DataFrame(x, index=frame.index) for x in frozen_features(frame))
    scores: Scores = []

    def add(split: str, model: str, test: pd.DataFrame, predicted: np.ndarray) -> None:
        accuracy = accuracy_score(test["label"], predicted)
        macro_f1 = f1_score(test["label"], predicted, average="macro")
        scores.append({"split": split, "model": model, "acc": accuracy, "f1": macro_f1})
        print(f"{split:8} {model:34} {accuracy:.3f} {macro_f1:.3f}", flush=True)

    start = time.perf_counter()
    for split, train, test in splits(frame):
        classes = np.unique(train["label"])
        for name, probability in baselines(train, test, image, text).items():
            add(split, name, test, classes[probability.argmax(1)])
        for seed in seeds:
            modalities = [Image("image"), Text("text")]
            clf = MultimodalGraphClassifier(modalities, random_state=seed, verbose=False)
            clf.fit(train, train["label"], groups=train["group"])
            add(split, "mmgraph", test, clf.predict(test))
            for name, weights in PARTS.items():
                clf.model_.weights = torch.tensor(weights)
                add(split, name, test, clf.predict(test))
    table = pd.DataFrame(scores).groupby(["split", "model"], sort=False)[["acc", "f1"]]
    print(table.agg(["mean", "std", "count"]).round(3).to_string())
    print(f"seeds {seeds}, {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
