"""See whether EMAP tells questions that need interaction from those that do not, on easy-VQA.

    python examples/benchmarks/emap_easy_vqa.py [--questions 12000] [--epochs 8] [--rows 300]

Whether a drawing shows a red shape ("yes/no") depends on both halves together; what colour the
circle has ("what") is a word about colours plus a drawing. So the additive projection should fall
from the model's accuracy to that of an additive model in the first case, and stay in the second.

The model is kept in --model. A fit that was interrupted goes on from its last epoch, and a fitted
model is only evaluated.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mmgraph import Image, MultimodalGraphClassifier, Text, diagnose, load, load_easy_vqa
from mmgraph.datasets.base import MultimodalDataset


def fit(data: MultimodalDataset, questions: int, epochs: int, path: Path) -> None:
    train = data.part("train").sample(questions, random_state=0)
    clf = MultimodalGraphClassifier(
        # Shapes can be told in half of the pixels; colours are answers, so they stay.
        [Image("image", backbone=None, size=32, color=0.0), Text("question", features=None)],
        epochs=epochs,
        batch_size=32,
        refit=False,
        checkpoint_dir=path.with_name(path.name + "_checkpoints"),
    )
    clf.fit(train, train["answer"], groups=train["image_id"]).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--questions", type=int, default=12_000, help="for training")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rows", type=int, default=300, help="test questions of each kind")
    parser.add_argument("--model", type=Path, default=Path("results/easy_vqa"))
    args = parser.parse_args()
    data = load_easy_vqa()
    if not args.model.exists():
        start = time.perf_counter()
        fit(data, args.questions, args.epochs, args.model)
        print(f"fitted on {args.questions} questions in {time.perf_counter() - start:.0f} s")
    model = load(args.model)
    columns = {
        "score": "model",
        "emap": "EMAP",
        "interaction": "difference",
        "additive_part": "additive part",
        "fused_part": "fused part",
    }
    print("kind    " + "".join(f"{name:>16}" for name in columns.values()))
    for kind, rows in data.part("test").groupby("kind"):
        rows = rows.sample(min(args.rows, len(rows)), random_state=0)
        found = diagnose(model, rows, "answer", groups="image_id", emap_rows=args.rows)
        measures = [found.get(name) for name in columns]
        cells = [f"{each.value:.3f} ± {each.error:.3f}" for each in measures]
        print(f"{kind:8}" + "".join(f"{cell:>16}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
