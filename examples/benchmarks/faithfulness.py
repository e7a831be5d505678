"""How faithful the methods of `explain` are on openclipart, and how long one explanation takes.

    python examples/benchmarks/faithfulness.py --part val
    python examples/benchmarks/faithfulness.py --part test --rows 200

Fits the quickstart's model on the training part, unless --model names a saved one, and explains
the predicted class of random rows of another part.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd
import torch

from mmgraph import Explanation, Image, MultimodalGraphClassifier, Text, compare_explainers, load
from mmgraph.datasets import load_openclipart
from mmgraph.explain import EXPLAINERS

#: Rows that the time of one explanation is the mean of, and the gap of sums the largest.
TIMED_ROWS = 10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a model that was fitted on the part train")
    parser.add_argument("--part", choices=["val", "test"], default="val")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--methods", nargs="+", choices=list(EXPLAINERS), default=list(EXPLAINERS))
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def fit(train: pd.DataFrame, epochs: int) -> MultimodalGraphClassifier:
    clf = MultimodalGraphClassifier([Image("image"), Text("text")], epochs=epochs)
    return clf.fit(train, train["label"], groups=train["group"])


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each method: areas, and where they are better than random orders."""
    wide = table.pivot(index="method", columns="metric", values=["mean", "random", "better"])
    random = wide["random"].iloc[0]
    result = pd.DataFrame(
        {
            "deletion": wide["mean", "deletion"],
            "insertion": wide["mean", "insertion"],
            "difference": wide["mean", "insertion"] - wide["mean", "deletion"],
            "deletion better": wide["better", "deletion"],
            "insertion better": wide["better", "insertion"],
            "comprehensiveness": wide["mean", "comprehensiveness"],
            "sufficiency": wide["mean", "sufficiency"],
        }
    ).sort_values("difference", ascending=False)
    result.loc["(random)"] = pd.Series(
        {name: random.get(name) for name in result.columns if name in random}
    )
    result.loc["(random)", "difference"] = random["insertion"] - random["deletion"]
    return result


def largest_gap(explained: list[Explanation]) -> float:
    """Return how far scores are from their sum, `value - base`, as a share of it at most."""
    gaps = [
        abs(each.scores.sum() / (each.value - each.base) - 1)
        for each in explained
        if each.base is not None
    ]
    return max(gaps, default=float("nan"))


def main() -> None:
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    data = load_openclipart()
    clf = load(arguments.model) if arguments.model else fit(data.part("train"), arguments.epochs)
    rows = data.part(arguments.part)
    print(f"accuracy on {len(rows)} rows: {clf.score(rows, rows['label']):.3f}")
    rows = rows.sample(min(arguments.rows, len(rows)), random_state=0)
    seconds, gaps = {}, {}
    for method in arguments.methods:
        clf.explain(rows[:1], method=method)
        start = time.perf_counter()
        explained = clf.explain(rows[:TIMED_ROWS], method=method)
        seconds[method] = (time.perf_counter() - start) / len(explained)
        gaps[method] = largest_gap(explained)
    table = summarise(compare_explainers(clf, rows, methods=arguments.methods))
    table["gap of sum"], table["seconds"] = pd.Series(gaps), pd.Series(seconds)
    print(f"{len(rows)} rows of {arguments.part}, seconds with {arguments.threads} thread(s)")
    print(table.to_string(float_format="{:.3f}".format, formatters={"gap of sum": "{:.1e}".format}))


if __name__ == "__main__":
    main()
