"""See whether EMAP tells questions that need interaction from those that do not, on easy-VQA.

    python examples/benchmarks/emap_easy_vqa.py [--kinds yes/no what] [--output results/easy_vqa]

Whether a drawing shows a red shape ("yes/no") depends on both halves together; what colour the
circle has ("what") is a word about colours plus a drawing. So the additive projection should fall
from the model's accuracy to that of an additive model in the first case, and stay in the second.
The additive model is the linear one beside the graph, on pooled features of regions and words.

Models are kept in --output. A fit that was interrupted goes on from its last epoch, and a fitted
model is only evaluated.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from mmgraph import Image, MultimodalGraphClassifier, Text, diagnose, load
from mmgraph.datasets import load_easy_vqa

COLUMNS = {
    "score": "model",
    "emap": "EMAP",
    "interaction": "difference",
    "linear_model": "linear model",
    "fused_part": "fused part",
}


def fit(train: pd.DataFrame, epochs: int, path: Path) -> None:
    start = time.perf_counter()
    clf = MultimodalGraphClassifier(
        [Image("image", size=96), Text("question", features=None)],
        epochs=epochs,
        batch_size=32,
        refit=False,
        checkpoint_dir=path.with_name(path.name + "_checkpoints"),
    )
    clf.fit(train, train["answer"], groups=train["image_id"]).save(path)
    print(f"fitted on {len(train)} questions in {time.perf_counter() - start:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--kinds", nargs="+", choices=["yes/no", "what"], default=["yes/no", "what"]
    )
    parser.add_argument("--questions", type=int, default=8000, help="of each kind, for training")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rows", type=int, default=300, help="test questions of each kind")
    parser.add_argument("--output", type=Path, default=Path("results/easy_vqa"))
    args = parser.parse_args()
    data = load_easy_vqa()
    for kind in args.kinds:
        train, test = (
            part[part["kind"] == kind].sample(count, random_state=0)
            for part, count in (
                (data.part("train"), args.questions),
                (data.part("test"), args.rows),
            )
        )
        path = args.output / kind.replace("/", "_")
        if not path.exists():
            fit(train, args.epochs, path)
        found = diagnose(load(path), test, "answer", groups="image_id", emap_rows=args.rows)
        print(f"{kind} on {len(test)} test questions:")
        for name, label in COLUMNS.items():
            print(f"  {label:14}{found.get(name).value:.3f} ± {found.get(name).error:.3f}")


if __name__ == "__main__":
    main()
