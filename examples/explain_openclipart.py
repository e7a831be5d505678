"""Explain why drawings with titles got their class: a page to look around in, and pictures.

    python examples/explain_openclipart.py

Writes explanations.html, explanation.png and graph.png into --output. The pictures show the row
whose strongest region and strongest word say most nearly the same.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mmgraph import Image, MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_openclipart
from mmgraph.explain import EXPLAINERS, Explanation, plot_graph, to_html


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
    # With graph="auto" these data leave the graph out, and there would be no edges to look at.
    clf = MultimodalGraphClassifier(modalities, epochs=arguments.epochs, graph=True)
    return clf.fit(train, train["label"], groups=train["group"])


def both_say(explanation: Explanation) -> float:
    """Return how visible the strongest node of the weaker modality is, if the class is right."""
    nodes = explanation.to_frame()
    best = nodes.groupby("modality")["score"].max()
    words = (nodes["modality"] == "text").sum()
    return best.min() / best.max() if explanation.is_right and len(best) > 1 and words > 4 else 0.0


def main() -> None:
    arguments = parse_arguments()
    clf = load(arguments.model) if arguments.model else fit(arguments)
    test = load_openclipart().part("test").sample(arguments.samples, random_state=0)
    start = time.perf_counter()
    found = [clf.explain(test, method=method, truth="label") for method in arguments.methods]
    print(f"{len(test)} rows explained in {time.perf_counter() - start:.1f} s: {arguments.methods}")
    print(found[0])
    arguments.output.mkdir(parents=True, exist_ok=True)
    page = arguments.output / "explanations.html"
    # The page puts several explanations of a row together.
    to_html([each for row in zip(*found, strict=True) for each in row], page)
    shown = max(found[0], key=both_say)
    shown.plot().savefig(arguments.output / "explanation.png", dpi=120)
    across = [kind for kind in dict.fromkeys(e.relation for e in shown.edges) if kind[0] != kind[2]]
    plot_graph(shown, relations=across).savefig(arguments.output / "graph.png", dpi=120)
    print(f"wrote {page} ({page.stat().st_size / 1e6:.1f} MB), explanation.png and graph.png")


if __name__ == "__main__":
    main()
