"""Answer easy-VQA's questions about drawings: the official split, and what the graph's edges do.

    python examples/visual_questions.py                             # five minutes on one thread
    python examples/visual_questions.py --method late               # no modality receives another
    python examples/visual_questions.py --questions 400 --epochs 1  # a quick try

"What" questions name the shape or its colour and ask for the other; a "yes/no" question is
answered by whether drawing and words agree, which no sum of an opinion on each can tell. So the
trained graph is scored a second time with its edges between modalities removed. Scores are of the
validation part, where all choices were made; --test reads the test part instead.

All edges of the graph lead from one modality to the other.
"""

from __future__ import annotations

import argparse
import time
from itertools import permutations

import numpy as np
import pandas as pd
import torch

from mmgraph import Complete, MultimodalGraphClassifier
from mmgraph.comparison import FUSIONS
from mmgraph.data import read_batches
from mmgraph.datasets import load_easy_vqa
from mmgraph.diagnosis import fuse_without_cross_edges


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--questions", type=int, help="use only some to train and to score")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--method", choices=list(FUSIONS), default="graph")
    parser.add_argument("--test", action="store_true", help="train on train and val, score test")
    return parser.parse_args()


def predict_without_edges(clf: MultimodalGraphClassifier, rows: pd.DataFrame) -> np.ndarray:
    """Return the answers of the trained graph if nothing crosses from one modality to the other."""
    model, answers = clf.model_, []
    with torch.inference_mode():
        for batch in read_batches(clf.modalities_, rows, clf.fitted_.batch_size):
            fused = fuse_without_cross_edges(model.fusion, model.nodes(batch.items))
            answers.append(model.head(fused).argmax(1).numpy())
    return clf.classes_[np.concatenate(answers)]


def show(what: str, answers: np.ndarray, rows: pd.DataFrame) -> None:
    right = answers == rows["answer"]
    kinds = "  ".join(
        f"{kind} {mean:.4f}" for kind, mean in right.groupby(rows["kind"]).mean().items()
    )
    print(f"{what:24} {right.mean():.4f}  ({kinds})")


def main() -> None:
    args = parse_arguments()
    data = load_easy_vqa()
    train, scored = (
        (data.part("train", "val"), data.part("test"))
        if args.test
        else (data.part("train"), data.part("val"))
    )
    if args.questions:
        train = train.sample(min(args.questions, len(train)), random_state=args.seed)
        scored = scored.sample(min(args.questions, len(scored)), random_state=args.seed)
    names = [modality.node_type for modality in data.modalities]
    across = {(start, "to", to): Complete() for start, to in permutations(names, 2)}
    clf = MultimodalGraphClassifier(
        data.modalities,
        # The graph by itself: one network, no linear model beside it.
        linear=False,
        fusion=args.method,
        relations=across if args.method == "graph" else None,
        epochs=args.epochs,
        # Rows held out to stop early would stop at the plateau before drawings are seen to matter.
        validation=0,
        refit=False,
        random_state=args.seed,
    )
    start = time.perf_counter()
    clf.fit(train, train["answer"], groups=train["image_id"])
    print(f"trained on {len(train)} questions in {time.perf_counter() - start:.0f} s")
    show("test part" if args.test else "validation part", clf.predict(scored), scored)
    if args.method == "graph":
        show("its cross edges removed", predict_without_edges(clf, scored), scored)


if __name__ == "__main__":
    main()
