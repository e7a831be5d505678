"""Run the published comparisons, as far as time allows, and write what was found.

    python examples/benchmarks/results.py --only openclipart --budget-minutes 60
    python examples/benchmarks/results.py --only av_digits --av-digits FOLDER
    python examples/benchmarks/results.py --page          # writes docs/results.md, runs nothing
    python examples/benchmarks/results.py --rows 60 --epochs 1 --folds 2 --seeds 0 --runs tmp

All of it takes many hours. Every run is kept under --runs, and calling the script again goes on
where it stopped. The page's part between the markers is written anew from the runs there are; a
comparison without any is left out, and what lacks is said. The test rows are read with --test only.
"""

from __future__ import annotations

import argparse
import logging
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from mmgraph import MultimodalGraphClassifier, load_easy_vqa, load_openclipart
from mmgraph.comparison import DEFAULT, FUSIONS, Comparison, compare, plot_learning_curve
from mmgraph.comparison.ablation import make_ablations
from mmgraph.datasets.av_digits import load_av_digits
from mmgraph.datasets.base import MultimodalDataset

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
BEGIN, END = "<!-- runs: begin, written by results.py -->", "<!-- runs: end -->"
#: Numbers of questions of easy-VQA's learning curve.
SIZES = (300, 1000, 3000, 10_000)
VQA_METHODS = ["graph", "concat", "late", "film", "cross-attention"]


def template(dataset: MultimodalDataset, args: argparse.Namespace) -> MultimodalGraphClassifier:
    # No second training on all rows: it would help all methods alike, and takes half of the time.
    return MultimodalGraphClassifier(
        dataset.modalities, epochs=args.epochs, refit=False, additive=False, verbose=False
    )


def shorten(frame: pd.DataFrame, label: str, args: argparse.Namespace) -> pd.DataFrame:
    """Return a few rows of each class and split, for a quick try."""
    if not args.rows:
        return frame
    kinds = frame.groupby([label, "split"])
    return frame[kinds.cumcount() < -(-args.rows // kinds.ngroups)]


def run_openclipart(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """All fusions and the rivals on five folds; with --parts the graph without each part."""
    dataset = load_openclipart()
    base = template(dataset, args)
    named = {name: name for name in (DEFAULT, *FUSIONS)}
    parts = make_ablations(base) if args.parts else {}
    return compare(
        shorten(dataset.frame, dataset.label, args),
        dataset.label,
        methods={**named, **parts},
        template=base,
        groups=dataset.groups,
        folds=args.folds,
        seeds=args.seeds,
        output=args.runs / "openclipart",
        budget_minutes=minutes,
    )


def run_easy_vqa(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """Fusions on the validation questions, by the number of questions to learn from."""
    dataset = load_easy_vqa()
    start = time.monotonic()
    comparison = compare(
        shorten(dataset.frame, dataset.label, args),
        dataset.label,
        methods=VQA_METHODS,
        template=template(dataset, args),
        groups=dataset.groups,
        folds="split",
        seeds=args.seeds,
        output=args.runs / "easy_vqa",
        # The curve's small sizes come first: they are quick and tell most.
        budget_minutes=0.0,
    )
    comparison.learning_curve(SIZES, budget_minutes=minutes)
    left = None if minutes is None else max(0.0, minutes - (time.monotonic() - start) / 60)
    comparison.experiment.run(comparison.experiment.plan_folds(), budget_minutes=left)
    return comparison


def run_av_digits(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """Fusions and the rivals with one speaker held out in each fold."""
    if args.av_digits is None:
        raise SystemExit("av_digits does not ship: --av-digits FOLDER, see load_av_digits")
    dataset = load_av_digits(args.av_digits)
    frame = shorten(dataset.frame, dataset.label, args)
    return compare(
        frame,
        dataset.label,
        methods=[DEFAULT, *FUSIONS],
        template=template(dataset, args),
        groups=dataset.groups,
        folds=args.folds,
        test=frame["split"] == "test",
        seeds=args.seeds,
        output=args.runs / "av_digits",
        budget_minutes=minutes,
    )


BENCHMARKS: dict[str, tuple[str, Callable[..., Comparison]]] = {
    "openclipart": ("openclipart: all methods, trained once", run_openclipart),
    "easy_vqa": ("easy-VQA: questions that need both modalities", run_easy_vqa),
    "av_digits": ("Digits seen and heard: all methods, a speaker held out", run_av_digits),
}


def write_section(name: str, images: Path, args: argparse.Namespace) -> str:
    """Return the page's section on a comparison; nothing where no run is done."""
    folder = args.runs / name
    if not (folder / "comparison.json").is_file():
        return ""
    comparison = Comparison.read(folder)
    title, script = BENCHMARKS[name][0], f"examples/benchmarks/results.py --only {name}"
    parts = [f"## {title}", f"`python {script}`"]
    if comparison.runs():
        comparison.plot().savefig(images / f"results_{name}.png", dpi=110)
        alt = "Means and folds of all methods"
        parts += [comparison.to_markdown().strip(), f"![{alt}](images/results_{name}.png)"]
    if comparison.runs("curve"):
        parts += write_curve(name, comparison, images, args)
    tested = comparison.scores("test")
    if len(tested):
        date = max(run.date for run in comparison.runs("test"))[:10]
        parts += [f"Test rows, read once, on {date}:", write_scores(tested)]
    return "\n\n".join(parts) if len(parts) > 2 else ""


def write_curve(
    name: str, comparison: Comparison, images: Path, args: argparse.Namespace
) -> list[str]:
    """Return a table and a plot by the number of training rows, by the kind of question."""
    kind = None
    if name == "easy_vqa":
        dataset = load_easy_vqa()
        kind = shorten(dataset.frame, dataset.label, args)["kind"]
    curve = comparison.curve(by=kind)
    plot_learning_curve(curve).savefig(images / f"results_{name}_curve.png", dpi=110)
    keys = ["method", *(["slice"] if kind is not None else [])]
    chosen = curve[curve["metric"] == "accuracy"]
    table = chosen.pivot_table("value", keys, "train_rows", sort=False).reset_index()
    planned, done = len(comparison.keys["curve"]), len(comparison.runs("curve"))
    lacking = f" **{planned - done} of {planned} runs are not done yet.**" if done < planned else ""
    return [
        f"Accuracy by the number of training rows, mean over seeds.{lacking}",
        write_rows([*map(str, table.columns)], table.to_numpy().tolist()),
        f"![Learning curve](images/results_{name}_curve.png)",
    ]


def write_scores(frame: pd.DataFrame) -> str:
    cells = frame.groupby(["method", "metric"], sort=False)["value"]
    table = cells.agg(["mean", "std", "count"]).reset_index()
    return write_rows([*table.columns], table.to_numpy().tolist())


def write_rows(header: list[str], rows: list[list[Any]]) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if pd.isna(value) else f"{value:.3f}"
        return str(value)

    lines = [header, ["---"] * len(header), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(page: str, sections: list[str]) -> str:
    """Return a page with what lies between the markers exchanged, or added at its end."""
    inner = "\n\n".join(section for section in sections if section)
    block = f"{BEGIN}\n\n{inner}\n\n{END}" if inner else ""
    marked = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if marked.search(page):
        return marked.sub(lambda _: block, page)
    return f"{page.rstrip()}\n\n{block}\n" if block else page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", nargs="+", choices=list(BENCHMARKS), default=list(BENCHMARKS))
    parser.add_argument("--budget-minutes", type=float, help="begin no run after this time")
    parser.add_argument("--page", action="store_true", help="run nothing, write the page")
    parser.add_argument("--test", action="store_true", help="read the test rows, once")
    parser.add_argument("--runs", type=Path, default=Path("results"), help="folder of the runs")
    parser.add_argument("--output", type=Path, default=PAGE, help="the page")
    parser.add_argument("--av-digits", type=Path, help="folder of av_digits")
    parser.add_argument("--parts", action="store_true", help="the graph without its parts, too")
    parser.add_argument("--rows", type=int, help="use only some rows")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    if args.rows and args.output == PAGE and not args.page:
        raise SystemExit("--rows is for trying the script: give another page with --output")
    logging.basicConfig(format="%(message)s")
    logging.getLogger("mmgraph").setLevel(logging.INFO)
    start = time.monotonic()
    for name in [] if args.page else args.only:
        left = None
        if args.budget_minutes is not None:
            left = max(0.0, args.budget_minutes - (time.monotonic() - start) / 60)
        comparison = BENCHMARKS[name][1](args, left)
        if args.test and comparison.experiment.test is not None:
            if comparison.missing:
                print(f"{name}: {comparison.missing} runs are left; the test rows are not read")
            else:
                comparison.test()
    images = args.output.parent / "images"
    images.mkdir(parents=True, exist_ok=True)
    sections = [write_section(name, images, args) for name in BENCHMARKS]
    page = args.output.read_text("utf-8") if args.output.is_file() else "# Results\n"
    args.output.write_text(write_page(page, sections), "utf-8")
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
