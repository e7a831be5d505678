"""See what a model of openclipart owes to images, to texts, to both together and to its edges.

    python examples/diagnose.py [--split val] [--rows 400] [--epochs 3] [--output results]

Prints the verdict and all measures; writes diagnosis.png and diagnosis.json.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from mmgraph import Image, MultimodalGraphClassifier, Text, diagnose
from mmgraph.datasets import load_openclipart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--split", choices=["val", "test"], default="val", help="to diagnose on")
    parser.add_argument("--rows", type=int, help="use only some rows of each split")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--emap-rows", type=int, default=300, help="rows of the projection")
    parser.add_argument("--output", type=Path, default=Path("results"))
    args = parser.parse_args()
    start = time.perf_counter()
    data = load_openclipart()
    train, rows = data.part("train"), data.part(args.split)
    if args.rows:
        train, rows = (part.sample(args.rows, random_state=0) for part in (train, rows))
    clf = MultimodalGraphClassifier(
        [Image("image"), Text("text")], epochs=args.epochs, verbose=False
    )
    clf.fit(train, train["label"], groups=train["group"])
    fitted = time.perf_counter()
    diagnosis = diagnose(clf, rows, "label", groups="group", emap_rows=args.emap_rows)
    print(diagnosis)
    print(diagnosis.to_frame().round(3).to_string(index=False, na_rep=""))
    args.output.mkdir(parents=True, exist_ok=True)
    diagnosis.to_json(args.output / "diagnosis.json")
    diagnosis.plot().savefig(args.output / "diagnosis.png", dpi=80)
    print(f"fit {fitted - start:.0f} s, diagnosis {time.perf_counter() - fitted:.0f} s")


if __name__ == "__main__":
    main()
