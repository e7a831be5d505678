"""Explain a pipeline of scikit-learn: words by TF-IDF and colours by histogram, of drawings.

    python examples/explain_pipeline.py

Writes pipeline.html into --output: which words and regions the pipeline goes by.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image as PILImage
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mmgraph import Image, Text
from mmgraph.datasets import load_openclipart
from mmgraph.explain import FunctionModel, compare_explainers, explain_model, to_html


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, help="learn from only some rows")
    parser.add_argument("--part", default="test", choices=["val", "test"])
    parser.add_argument("--samples", type=int, default=20, help="rows to explain")
    parser.add_argument("--methods", nargs="+", default=["shapley", "occlusion"])
    parser.add_argument("--output", type=Path, default=Path("results/explain_pipeline"))
    return parser.parse_args()


def histograms(paths: pd.DataFrame) -> np.ndarray:
    """Return how common each of 64 colours is in each picture, as square roots."""
    found = []
    for path in paths.iloc[:, 0]:
        with PILImage.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB").resize((64, 64))) // 64
        colours = pixels.reshape(-1, 3) @ np.array([16, 4, 1])
        found.append(np.bincount(colours, minlength=64) / len(colours))
    return np.sqrt(found)


def make_model() -> Pipeline:
    colours = FunctionTransformer(histograms)
    features = ColumnTransformer(
        [("words", TfidfVectorizer(), "text"), ("colours", colours, ["image"])]
    )
    return make_pipeline(features, LogisticRegression(C=10, max_iter=1000))


def main() -> None:
    arguments = parse_arguments()
    data = load_openclipart()
    train = data.part("train")
    train = train.sample(min(arguments.rows or len(train), len(train)), random_state=0)
    pipeline = make_model().fit(train, train["label"])
    rows = data.part(arguments.part)
    print(f"accuracy {pipeline.score(rows, rows['label']):.3f} on {len(rows)} rows")
    rows = rows.sample(arguments.samples, random_state=0)
    modalities = [Image("image"), Text("text")]
    start = time.perf_counter()
    found = explain_model(pipeline.predict_proba, rows, modalities, outputs=pipeline.classes_)
    seconds = (time.perf_counter() - start) / len(rows)
    gaps = [abs(each.scores.sum() - (each.value - each.base)) for each in found]
    print(f"{seconds:.2f} s a row; scores sum to the logit less the base within {max(gaps):.0e}")
    print(found[0])
    model = FunctionModel(pipeline.predict_proba, modalities, outputs=pipeline.classes_)
    print(
        compare_explainers(model, rows, methods=arguments.methods).round(3).to_string(index=False)
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    to_html(found, arguments.output / "pipeline.html")
    print(f"wrote {arguments.output / 'pipeline.html'}")


if __name__ == "__main__":
    main()
