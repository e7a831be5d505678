"""Hateful Memes: image alone, text alone, and both in a graph.

    python examples/hateful_memes.py FOLDER                  # pretrained encoders
    python examples/hateful_memes.py FOLDER --from-scratch   # no pretrained weights at all

FOLDER is the challenge's download with `img` and its `.jsonl` files, of the first or the second
phase. Fits on the training part and prints AUROC, by which the challenge is scored, and accuracy on
every other part whose labels are published.
"""

from __future__ import annotations

import argparse
import time

from mmgraph import Image, MultimodalDataset, MultimodalGraphClassifier, Text, evaluate_predictions
from mmgraph.datasets import load_hateful_memes


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="folder of the download")
    parser.add_argument("--from-scratch", action="store_true", help="no pretrained weights")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rows", type=int, help="use only some rows of each part")
    return parser.parse_args()


def report(data: MultimodalDataset, clf: MultimodalGraphClassifier, rows: int | None) -> None:
    """Print the scores of a classifier on every part that it was not fitted on."""
    for name in data.parts:
        part = data.part(name).dropna(subset=data.label)[:rows]
        if name == "train" or not len(part):
            continue
        probability = clf.predict_proba(part)
        predicted = clf.classes_[probability.argmax(1)]
        scores = evaluate_predictions(
            data.metrics, part[data.label], predicted, probability, clf.classes_
        )
        printed = "  ".join(f"{metric}={value:.3f}" for metric, value in scores.items())
        print(f"    {name:12} {len(part):6} rows  {printed}", flush=True)


def main() -> None:
    args = parse_arguments()
    start = time.perf_counter()
    data = load_hateful_memes(args.folder)
    train = data.part("train")[: args.rows]
    if args.from_scratch:
        image, text = Image("image", backbone=None, size=64), Text("text", features=None)
    else:
        image, text = Image("image"), Text("text")
    for name, modalities in (("image", [image]), ("text", [text]), ("graph", [image, text])):
        clf = MultimodalGraphClassifier(
            modalities, epochs=args.epochs, random_state=args.seed, verbose=False
        ).fit(train, train[data.label])
        print(f"{name}, fitted on {len(train)} rows")
        report(data, clf, args.rows)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
