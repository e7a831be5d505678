"""Compare mmgraph, its cheap parts and every baseline: all rows of four sets, and few rows of one.

    python examples/benchmarks/baselines.py openclipart --runs results
    python examples/benchmarks/baselines.py stamps stamps_german emoji --files files/usr/share
    python examples/benchmarks/baselines.py small_rows --methods linear+neighbours
    python examples/benchmarks/baselines.py --page          # writes docs/results.md, runs nothing
    python examples/benchmarks/baselines.py openclipart small_rows --quick

Five grouped folds are shuffled by each of three seeds. `small_rows` draws 50, 100, 200 and 333
rows from the other folds of each of ten folds of openclipart, and is tested on the fold, as far as
its classes were drawn. Every run is kept under --runs: called again, the script goes on where it
stopped. Stamps and emoji are read from Debian's packages, see `stamps_and_emoji.py`.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from results import PAGE, write_page, write_rows
from stamps_and_emoji import load_emoji, load_stamps

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.comparison import DEFAULT, OWN, Comparison, compare
from mmgraph.comparison.tables import LOWER_IS_BETTER, score_together
from mmgraph.datasets import load_openclipart

TITLES = {
    "openclipart": "openclipart: mmgraph, its parts and all baselines",
    "stamps": "Stamps: mmgraph, its parts and all baselines",
    "stamps_german": "Stamps, German texts: mmgraph, its parts and all baselines",
    "emoji": "Emoji: mmgraph, its parts and all baselines",
    "small_rows": "Few training rows of openclipart",
}
SIZES = (50, 100, 200, 333)
METRICS = ("accuracy", "macro_f1", "log_loss", "ece")
HEADS = ("accuracy", "macro-F1", "log loss", "ECE")


def load(name: str, args: argparse.Namespace) -> pd.DataFrame:
    """Return image, text, label and group of each row."""
    if name in ("openclipart", "small_rows"):
        frame = load_openclipart().frame[["image", "text", "label", "group"]]
    elif args.files is None:
        raise SystemExit(f"{name} does not ship: --files FOLDER, see stamps_and_emoji.py")
    elif name == "emoji":
        pictures = args.runs / "emoji_pictures"
        pictures.mkdir(parents=True, exist_ok=True)
        frame = load_emoji(args.files, pictures)
    else:
        language = "de" if name == "stamps_german" else "en"
        frame = load_stamps(args.files / "tuxpaint" / "stamps", language)
    kinds = frame.groupby("label")
    return frame[kinds.cumcount() < 6].reset_index(drop=True) if args.quick else frame


def run(name: str, args: argparse.Namespace) -> Comparison:
    """Do the runs that are lacking."""
    small = name == "small_rows"
    modalities = [Image("image"), Text("text")]
    if args.quick:
        modalities = [Image("image", backbone=None, size=16), Text("text", features=None)]
    comparison = compare(
        load(name, args),
        "label",
        methods=args.methods,
        template=MultimodalGraphClassifier(
            modalities, epochs=1 if args.quick else None, verbose=False
        ),
        baselines=not args.only,
        groups="group",
        folds=2 if args.quick else 5,
        seeds=args.seeds[:2] if small else args.seeds,
        reference=args.methods[0],
        output=args.runs / name,
        budget_minutes=0.0 if small else args.budget_minutes,
    )
    if small:
        sizes = (20,) if args.quick else SIZES
        comparison.learning_curve(sizes, budget_minutes=args.budget_minutes)
    return comparison


def score_draws(comparison: Comparison) -> pd.DataFrame:
    """Return the metrics of each draw; a calibration error is that of a seed's draws together."""
    kept: dict[int, list[Any]] = {}
    for each in comparison.runs("curve"):
        drawn = np.isin(each.truth, each.classes)
        arrays = {
            name: getattr(each, name)[drawn]
            for name in ("rows", "truth", "predicted", "probabilities")
        }
        kept.setdefault(each.train_rows, []).append(type(each)(**vars(each) | arrays))
    parts = []
    for rows, runs in kept.items():
        for each in runs:
            scores = score_together([each], METRICS[:3])
            parts.append(scores.assign(rows=rows, draw=f"{each.seed}, {each.fold}"))
        parts.append(score_together(runs, METRICS[3:]).assign(rows=rows, draw="all"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def describe_lead(values: pd.DataFrame, metric: str, rivals: list[str], own: str) -> str:
    """Return how far a method is ahead of the best baseline, with the standard error over draws."""
    table = values[values["metric"] == metric].pivot_table("value", "draw", "method")
    means = table[[name for name in rivals if name in table]].mean()
    best = means.idxmin() if metric in LOWER_IS_BETTER else means.idxmax()
    difference = (table[own] - table[best]).dropna()
    error = difference.std() / len(difference) ** 0.5
    return f"{difference.mean():+.3f} ± {error:.3f} ({best})"


def write_small(comparison: Comparison) -> str:
    """Return a table for each number of rows, and how far mmgraph is from the best baseline."""
    scores = score_draws(comparison)
    if not len(scores):
        return ""
    texts = []
    for rows, values in scores.groupby("rows"):
        means = values.groupby(["method", "metric"])["value"].mean().unstack("metric")
        means = means[list(METRICS)].sort_values("log_loss")
        draws = values.loc[values["draw"] != "all", "draw"].nunique()
        texts.append(f"{rows} training rows, means of {draws} draws:")
        lines = [[name, *each] for name, each in zip(means.index, means.to_numpy(), strict=True)]
        texts.append(write_rows(["method", *HEADS], lines))
        rivals = [name for name in means.index if name not in OWN]
        for own in means.index.intersection(list(OWN)) if rivals else []:
            leads = [describe_lead(values, metric, rivals, own) for metric in METRICS[:3]]
            said = ", ".join(f"{head} {lead}" for head, lead in zip(HEADS, leads, strict=False))
            texts.append(f"{own} less the best baseline, ± one standard error: {said}.")
    return "\n\n".join(texts)


def write_section(name: str, args: argparse.Namespace) -> str:
    """Return the page's section on a set; nothing where no run is done."""
    folder = args.runs / name
    if not (folder / "comparison.json").is_file():
        return ""
    comparison = Comparison.read(folder)
    head = [f"## {TITLES[name]}", f"`python examples/benchmarks/baselines.py {name}`"]
    if name == "small_rows":
        text = write_small(comparison)
    else:
        text = comparison.to_markdown().strip() if comparison.runs() else ""
    return "\n\n".join([*head, text]) if text else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="*", choices=[[], *TITLES], help="what is run")
    parser.add_argument("--methods", nargs="+", default=[*OWN], help="beside the baselines")
    parser.add_argument("--only", action="store_true", help="these methods, not all baselines")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--budget-minutes", type=float, help="begin no run after this time")
    parser.add_argument("--runs", type=Path, default=Path("results"), help="folder of the runs")
    parser.add_argument("--files", type=Path, help="usr/share of the unpacked packages")
    parser.add_argument("--page", action="store_true", help="write the sections into the page")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page")
    parser.add_argument("--quick", action="store_true", help="few rows, one seed, no page")
    args = parser.parse_args()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mmgraph").setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as scratch:
        if args.quick:
            args.runs, args.seeds, args.page = Path(scratch), [0], False
            args.methods = [each for each in args.methods if each != DEFAULT]
        for name in args.sets:
            run(name, args)
            print(write_section(name, args), flush=True)
    if args.page:
        sections = {title: write_section(name, args) for name, title in TITLES.items()}
        args.output.write_text(write_page(args.output.read_text("utf-8"), sections), "utf-8")
        print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
