"""Compare fusions on openclipart with scikit-learn's logistic regressions, on the same folds.

    python examples/compare.py                                           # an hour on two cores
    python examples/compare.py --rows 120 --epochs 1 --folds 2 --seeds 0   # a quick try

Every run is kept in --output: killed and called again, it goes on. The test split is left alone
unless --test is given; then it is read once, after the choice was made on the folds. Writes
comparison.md, comparison.png, and always_wrong.csv: drawings whose labels may be wrong.
"""

from __future__ import annotations

import argparse
import logging
import time
from pathlib import Path

from mmgraph import MultimodalGraphClassifier
from mmgraph.comparison import DEFAULT, FUSIONS, compare
from mmgraph.datasets import load_openclipart


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    names, usual = [DEFAULT, *FUSIONS], ["graph", "concat", "late"]
    parser.add_argument("--methods", nargs="+", choices=names, default=usual)
    parser.add_argument("--rows", type=int, help="use only some rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--test", action="store_true", help="read the test split, once")
    parser.add_argument("--output", type=Path, default=Path("results/compare"))
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mmgraph").setLevel(logging.INFO)
    start = time.perf_counter()
    dataset = load_openclipart()
    frame = dataset.frame
    if args.rows:
        frame = frame.groupby("label").head(-(-args.rows // frame["label"].nunique()))
    comparison = compare(
        frame,
        dataset.label,
        methods=args.methods,
        modalities=dataset.modalities,
        template=MultimodalGraphClassifier(epochs=args.epochs, linear=False, verbose=False),
        groups=dataset.groups,
        folds=args.folds,
        test=frame["split"] == "test",
        seeds=args.seeds,
        reference=args.methods[0],
        output=args.output,
    )
    print(comparison.to_markdown())
    (args.output / "comparison.md").write_text(comparison.to_markdown(), "utf-8")
    comparison.plot().savefig(args.output / "comparison.png", dpi=110)
    listing = comparison.always_wrong()
    listing = listing.join(frame[["text", "image"]])
    listing.to_csv(args.output / "always_wrong.csv", index=False)
    print(f"{len(listing)} drawings that every method gets wrong: {args.output}/always_wrong.csv")
    if args.test:
        tested = comparison.test()
        print(f"test split, read on {tested.attrs['date']}")
        print(tested.groupby(["metric", "method"])["value"].agg(["mean", "std"]).round(3))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
