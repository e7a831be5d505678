"""Run the published comparisons, as far as time allows, and write what was found.

    python examples/benchmarks/results.py --only openclipart --budget-minutes 60
    python examples/benchmarks/results.py --only av_digits --av-digits FOLDER
    python examples/benchmarks/results.py --page          # writes docs/results.md, runs nothing
    python examples/benchmarks/results.py --rows 60 --epochs 1 --folds 2 --seeds 0 --runs tmp

All of it takes many hours. Every run is kept under --runs, and calling the script again goes on
where it stopped. Sections of the page's part between the markers are written anew from the runs
there are, and what lacks is said; a section without any runs stays as it was. The test rows are
read with --test only.
"""

from __future__ import annotations

import argparse
import logging
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from mmgraph import MultimodalGraphClassifier
from mmgraph.comparison import DEFAULT, FUSIONS, Comparison, compare, plot_learning_curve
from mmgraph.comparison.ablation import make_ablations
from mmgraph.datasets import load_av_digits, load_easy_vqa, load_openclipart
from mmgraph.datasets.base import MultimodalDataset

PAGE = Path(__file__).parents[2] / "docs" / "results.md"
BEGIN, END = "<!-- runs: begin, written by results.py -->", "<!-- runs: end -->"
#: Questions of easy-VQA to learn from: a quarter and half of the training part.
QUESTIONS = (8_500, 17_000)


def template(dataset: MultimodalDataset, args: argparse.Namespace) -> MultimodalGraphClassifier:
    # No second training on all rows: it would help all methods alike, and takes half of the time.
    return MultimodalGraphClassifier(
        dataset.modalities, epochs=args.epochs, refit=False, linear=False, verbose=False
    )


def shorten(frame: pd.DataFrame, label: str, args: argparse.Namespace) -> pd.DataFrame:
    """Return a few rows of each class and split, for a quick try."""
    if not args.rows:
        return frame
    kinds = frame.groupby([label, "split"])
    return frame[kinds.cumcount() < -(-args.rows // kinds.ngroups)]


def run_openclipart(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """All fusions and the baselines on folds that keep series together."""
    base = template(load_openclipart(), args)
    methods: dict[str, Any] = {name: name for name in (DEFAULT, *FUSIONS)}
    # As it comes: with that second training, and the usual number of epochs.
    methods[f"{DEFAULT}, refit"] = MultimodalGraphClassifier(base.modalities, verbose=False)
    return compare_openclipart("openclipart", methods, base, args, minutes, baselines=True)


def run_openclipart_linear(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """The fusions with the linear model beside each, as the graph has it by default."""
    methods = {DEFAULT: DEFAULT, **{f"{name}, linear": name for name in FUSIONS if name != "graph"}}
    base = template(load_openclipart(), args).set_params(linear=True)
    return compare_openclipart("openclipart_linear", methods, base, args, minutes)


def run_openclipart_parts(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """The graph with one of its parts removed or exchanged, on the same folds."""
    base = template(load_openclipart(), args)
    methods = {"graph": "graph", **make_ablations(base)}
    return compare_openclipart("openclipart_parts", methods, base, args, minutes)


def compare_openclipart(
    name: str,
    methods: dict[str, Any],
    base: MultimodalGraphClassifier,
    args: argparse.Namespace,
    minutes: float | None,
    *,
    baselines: bool = False,
) -> Comparison:
    """Compare methods, the first of which is what the others are tested against."""
    dataset = load_openclipart()
    return compare(
        shorten(dataset.frame, dataset.label, args),
        dataset.label,
        methods=methods,
        template=base,
        groups=dataset.groups,
        folds=args.folds,
        seeds=args.seeds,
        reference=next(iter(methods)),
        baselines=baselines,
        output=args.runs / name,
        budget_minutes=minutes,
    )


def run_easy_vqa(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """All fusions on the validation questions, after a quarter and half of the others."""
    dataset = load_easy_vqa()
    # Rows held out to stop early would stop at the plateau before drawings are seen to matter.
    base, within = template(dataset, args).set_params(validation=0), "graph, nothing within"
    # Where time is short, those that let modalities interact come first.
    names = ("cross-attention", "film", "concat", "bottleneck", "late", *FUSIONS)
    fusions = {name: name for name in names}
    comparison = compare(
        shorten(dataset.frame, dataset.label, args),
        dataset.label,
        methods={"graph": "graph", within: make_ablations(base)[within], **fusions},
        template=base,
        groups=dataset.groups,
        folds="split",
        seeds=args.seeds,
        baselines=False,
        output=args.runs / "easy_vqa",
        budget_minutes=0.0,
    )
    sizes = [args.rows // 20, args.rows // 10] if args.rows else QUESTIONS
    comparison.learning_curve(sizes, budget_minutes=minutes)
    return comparison


def run_av_digits(args: argparse.Namespace, minutes: float | None) -> Comparison:
    """Fusions and the baselines with one speaker held out in each fold."""
    if args.av_digits is None:
        raise SystemExit("av_digits does not ship: --av-digits FOLDER, see load_av_digits")
    dataset = load_av_digits(args.av_digits)
    frame = shorten(dataset.frame, dataset.label, args)
    return compare(
        frame,
        dataset.label,
        methods=[DEFAULT, *FUSIONS],
        reference=DEFAULT,
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
    "openclipart_linear": (
        "openclipart: all fusions with the linear model beside them",
        run_openclipart_linear,
    ),
    "openclipart_parts": ("openclipart: the graph without its parts", run_openclipart_parts),
    "easy_vqa": ("easy-VQA: all methods, by the kind of question", run_easy_vqa),
    "av_digits": ("Digits seen and received: all methods, a speaker held out", run_av_digits),
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
        parts += write_kinds(comparison, images, args)
    tested = comparison.scores("test")
    if len(tested):
        date = max(run.date for run in comparison.runs("test"))[:10]
        parts += [f"Test rows, read once, on {date}:", write_scores(tested)]
    return "\n\n".join(parts) if len(parts) > 2 else ""


def write_kinds(comparison: Comparison, images: Path, args: argparse.Namespace) -> list[str]:
    """Return a table of accuracies by number and kind of questions, best method first."""
    dataset = load_easy_vqa()
    kinds = shorten(dataset.frame, dataset.label, args)["kind"]
    whole, parts = comparison.scores("curve"), comparison.scores("curve", by=kinds)
    whole, parts = (each[each["metric"] == "accuracy"] for each in (whole, parts))
    whole = whole[whole["method"].isin(complete_methods(whole))]
    if whole.empty:
        return []
    parts = parts[parts["method"].isin(whole["method"])]
    scores = pd.concat([whole.assign(slice="all"), parts])
    table = scores.pivot_table("value", "method", ["train_rows", "slice"]).sort_index(axis=1)
    most = table.columns[-1][0]
    table = table.sort_values((most, "all"), ascending=False)
    table.columns = [f"{count:,}: {kind}" for count, kind in table.columns]
    ends = whole[whole["train_rows"] == most].groupby("method")
    table["parameters"] = ends["parameters"].max().map("{:,}".format)
    table["fit, s"] = ends["fit_seconds"].mean().map("{:.0f}".format)
    table = table.reset_index()
    found = [
        f"Accuracy on {whole['test_rows'].iloc[0]:,} questions of the validation part, by the "
        f"number of training questions: {describe_seeds(whole)}.",
        write_rows([*table.columns], table.to_numpy().tolist(), digits=4),
    ]
    if whole["train_rows"].nunique() > 1:
        plot_learning_curve(parts).savefig(images / "results_easy_vqa_curve.png", dpi=110)
        found.append("![Accuracy by the number of questions](images/results_easy_vqa_curve.png)")
    return found


def complete_methods(scores: pd.DataFrame) -> list[str]:
    """Return the methods that have runs of as many seeds as any other, at every number of rows."""
    runs = scores.groupby(["train_rows", "method"]).size().unstack("train_rows").fillna(0)
    return runs.index[(runs == runs.max()).all(axis=1)].tolist()


def describe_seeds(scores: pd.DataFrame) -> str:
    """Say how many runs each number is the mean of, where all methods have the same seeds."""
    seeds = scores.groupby("train_rows")["seed"].unique().map(sorted)
    said = [
        f"after {rows:,} "
        + (f"the mean of seeds {', '.join(map(str, each))}" if len(each) > 1 else f"seed {each[0]}")
        for rows, each in seeds.items()
    ]
    return "; ".join(said)


def write_scores(frame: pd.DataFrame) -> str:
    cells = frame.groupby(["method", "metric"], sort=False)["value"]
    table = cells.agg(["mean", "std", "count"]).reset_index()
    return write_rows([*table.columns], table.to_numpy().tolist())


def write_rows(header: list[str], rows: list[list[Any]], digits: int = 3) -> str:
    def cell(value: Any) -> str:
        if isinstance(value, float):
            return "" if pd.isna(value) else f"{value:.{digits}f}"
        return str(value)

    lines = [header, ["---"] * len(header), *([cell(each) for each in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_page(page: str, sections: Mapping[str, str]) -> str:
    """Return a page with the sections between the markers exchanged, or added at its end.

    Args:
        page: The page.
        sections: Texts by their titles; an empty one leaves what the page has. Sections of other
            scripts stay; new ones come last.
    """
    marked = re.compile(f"{re.escape(BEGIN)}(.*){re.escape(END)}", re.DOTALL)
    found = marked.search(page)
    pieces = re.split(r"^(?=## )", found[1] if found else "", flags=re.MULTILINE)
    texts = {piece.split("\n")[0].removeprefix("## "): piece.strip() for piece in pieces}
    texts |= {title: text for title, text in sections.items() if text}
    inner = "\n\n".join(text for text in texts.values() if text)
    block = f"{BEGIN}\n\n{inner}\n\n{END}" if inner else ""
    if found:
        return page[: found.start()] + block + page[found.end() :]
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
    sections = {title: write_section(name, images, args) for name, (title, _) in BENCHMARKS.items()}
    page = args.output.read_text("utf-8") if args.output.is_file() else "# Results\n"
    args.output.write_text(write_page(page, sections), "utf-8")
    print(f"wrote {args.output}")


if __name__ == "__main__":
    main()
