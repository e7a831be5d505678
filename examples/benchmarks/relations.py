"""Which relations between drawings and sentences each fusion sees: one table and one figure.

    python examples/benchmarks/relations.py                     # all kinds, graph and two heads
    python examples/benchmarks/relations.py --kinds spatial --methods graph --rows 20000
    python examples/benchmarks/relations.py --rows 100 --epochs 1 --output tmp --test

`mmgraph.datasets.make_relations` draws the rows. Every method is one network over the same CNN and
RNN nodes, trained for as many epochs, without a linear model beside it; "linear" is that model by
itself. Scores are of the validation part, where epochs were chosen, or with --test of the test
part. Runs are kept in OUTPUT/runs.json, and calling the script again goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib
import pandas as pd
import torch

from mmgraph import MultimodalGraphClassifier
from mmgraph.comparison import FUSIONS
from mmgraph.datasets import RELATION_KINDS, MultimodalDataset, make_relations

matplotlib.use("Agg")
import matplotlib.pyplot as plt

LINEAR = "linear"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=RELATION_KINDS, default=RELATION_KINDS)
    methods = [LINEAR, *FUSIONS]
    parser.add_argument(
        "--methods", nargs="+", choices=methods, default=[LINEAR, "late", "concat", "graph"]
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 20_000])
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--test", action="store_true", help="score the test part")
    parser.add_argument("--output", type=Path, default=Path("relations"))
    return parser.parse_args()


def make_classifier(
    method: str, data: MultimodalDataset, args: argparse.Namespace
) -> MultimodalGraphClassifier:
    shared = {"links": list(data.links), "random_state": args.seed, "verbose": False}
    if method == LINEAR:
        return MultimodalGraphClassifier(data.modalities, graph=False, **shared)
    return MultimodalGraphClassifier(
        data.modalities,
        fusion=method,
        graph=True,
        linear=False,
        neighbours=False,
        epochs=args.epochs,
        # Rows held out to stop early would stop at the plateau before relations are seen.
        validation=0,
        refit=False,
        **shared,
    )


def run(kind: str, method: str, rows: int, args: argparse.Namespace) -> dict[str, object]:
    data = make_relations(kind, rows, seed=args.seed)
    train, scored = data.part("train"), data.part("test" if args.test else "val")
    # The first turn of a dialogue asks nothing.
    scored_rows = scored["label"] != "stated"
    start = time.perf_counter()
    clf = make_classifier(method, data, args)
    clf.fit(train, data.label, groups=data.groups)
    seconds = time.perf_counter() - start
    right = clf.predict(scored) == scored[data.label]
    return {
        "kind": kind,
        "method": method,
        "rows": rows,
        "seed": args.seed,
        "part": "test" if args.test else "val",
        "epochs": None if method == LINEAR else args.epochs,
        "accuracy": float(right[scored_rows].mean()),
        "seconds": seconds,
    }


def plot(runs: pd.DataFrame, path: Path) -> None:
    """Draw accuracy by kind, a colour for each method, at the largest number of rows."""
    shown = runs[runs["rows"] == runs["rows"].max()]
    table = shown.pivot_table(index="kind", columns="method", values="accuracy", sort=False)
    table = table.reindex([each for each in RELATION_KINDS if each in table.index])
    figure, axes = plt.subplots(figsize=(8, 0.6 + 0.5 * len(table)), layout="constrained")
    for method in table:
        x = table[method]
        style = {"color": "tab:blue", "s": 90} if method == "graph" else {"s": 45, "alpha": 0.8}
        axes.scatter(x, range(len(x)), label=method, zorder=3 + (method == "graph"), **style)
    axes.axvline(0.5, color="grey", linestyle=":", linewidth=1)
    axes.annotate("chance", (0.5, -0.6), ha="center", color="grey", annotation_clip=False)
    axes.set_yticks(range(len(table)), [each.replace("_", " ") for each in table.index])
    axes.invert_yaxis()
    axes.set_xlim(0.4, 1.02)
    axes.set_xlabel(f"accuracy, {shown['rows'].max():,} rows")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=150)


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(1)
    args.output.mkdir(parents=True, exist_ok=True)
    file = args.output / "runs.json"
    runs = json.loads(file.read_text()) if file.exists() else []
    keys = ("kind", "method", "rows", "seed", "part", "epochs")
    done = {tuple(each[key] for key in keys) for each in runs}
    part = "test" if args.test else "val"
    for rows in args.rows:
        for kind in args.kinds:
            for method in args.methods:
                epochs = None if method == LINEAR else args.epochs
                if (kind, method, rows, args.seed, part, epochs) in done:
                    continue
                runs.append(run(kind, method, rows, args))
                print(*(f"{value}" for value in runs[-1].values()), flush=True)
                file.write_text(json.dumps(runs, indent=1))
    frame = pd.DataFrame(runs)
    table = frame.pivot_table(
        index=["rows", "kind"], columns="method", values="accuracy", sort=False
    )
    print(table.to_string(float_format="{:.3f}".format))
    plot(frame, args.output / "relations.png")


if __name__ == "__main__":
    main()
