"""Explain why drawings with titles got their class: a page to look around in, and a picture.

    python examples/explain_openclipart.py

Writes explanations.html and explanation.png into --output.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mmgraph import Image, MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_openclipart
from mmgraph.explain import EXPLAINERS, Explanation, to_html


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a saved model; one is fitted if left out")
    parser.add_argument("--from-scratch", action="store_true", help="no pretrained weights")
    parser.add_argument("--rows", type=int, help="learn from only some rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--samples", type=int, default=20, help="test rows to explain")
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=list(EXPLAINERS),
        default=["integrated_gradients", "attention_rollout"],
    )
    parser.add_argument("--output", type=Path, default=Path("results/explain_openclipart"))
    return parser.parse_args()


def fit(arguments: argparse.Namespace) -> MultimodalGraphClassifier:
    train = load_openclipart().part("train", "val")
    if arguments.rows:
        train = train.groupby("label").head(-(-arguments.rows // train["label"].nunique()))
    if arguments.from_scratch:
        modalities = [Image("image", backbone=None, size=64), Text("text", features=None)]
    else:
        modalities = [Image("image"), Text("text")]
    clf = MultimodalGraphClassifier(modalities, epochs=arguments.epochs)
    return clf.fit(train, train["label"], groups=train["group"])


def describe(explanation: Explanation, truth: str) -> str:
    """Return what was predicted, and the nodes that spoke most for it."""
    best = explanation.to_frame().nlargest(4, "score")
    said = ", ".join(f"{label} ({score:+.2f})" for label, score in best[["label", "score"]].values)
    name = explanation.outputs[explanation.target]
    return f"row {explanation.row}: {name} (is {truth}), for {said}"


def main() -> None:
    arguments = parse_arguments()
    clf = load(arguments.model) if arguments.model else fit(arguments)
    test = load_openclipart().part("test").sample(arguments.samples, random_state=0)
    start = time.perf_counter()
    found = [clf.explain(test, method=method) for method in arguments.methods]
    print(f"{len(test)} rows explained in {time.perf_counter() - start:.1f} s: {arguments.methods}")
    for explanation, truth in list(zip(found[0], test["label"], strict=True))[:10]:
        print(describe(explanation, truth))
    arguments.output.mkdir(parents=True, exist_ok=True)
    page = arguments.output / "explanations.html"
    # The page puts several explanations of a row together.
    to_html([each for row in zip(*found, strict=True) for each in row], page)
    found[0][0].plot().savefig(arguments.output / "explanation.png", dpi=120)
    print(f"wrote {page} ({page.stat().st_size / 1e6:.1f} MB) and explanation.png")


if __name__ == "__main__":
    main()
