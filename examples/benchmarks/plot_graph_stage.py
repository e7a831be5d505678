"""Draw what graph_stage.py has measured.

python examples/benchmarks/plot_graph_stage.py graph_stage.json --output graph_stage.png
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

#: Okabe and Ito's colours, which colour-blind people tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00"]


def name_of(size: list[int]) -> str:
    """Return a size in words."""
    regions, tokens, channels, _ = size
    return f"{regions} regions,\n{tokens} tokens,\nD = {channels}"


def bars(axis: plt.Axes, values: dict[tuple[str, str], float], title: str) -> None:
    """Draw one group of bars a size, one bar a convolution."""
    sizes = list(dict.fromkeys(size for size, _ in values))
    convs = list(dict.fromkeys(conv for _, conv in values))
    width = 0.8 / len(convs)
    for number, conv in enumerate(convs):
        at = np.arange(len(sizes)) + (number - (len(convs) - 1) / 2) * width
        heights = [values.get((size, conv), np.nan) for size in sizes]
        axis.bar(at, heights, width * 0.92, label=conv, color=COLOURS[number])
    axis.axhline(1, color="black", linewidth=0.8)
    axis.set_yscale("log")
    axis.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
    axis.minorticks_off()
    axis.set_xticks(range(len(sizes)), sizes, fontsize=8)
    axis.set_title(title, fontsize=10)
    axis.grid(axis="y", alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--output", type=Path, default=Path("graph_stage.png"))
    args = parser.parse_args()
    results = json.loads(args.results.read_text())["results"]
    times = [each for each in results if each["what"] == "time"]
    peaks: dict[tuple[str, str], dict[str, float]] = {}
    for each in results:
        if each["what"] == "memory":
            key = name_of(each["size"]), each["conv"]
            peaks.setdefault(key, {})[each["arm"]] = each["mib"]

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, allocator in zip(axes, ("default", "tuned"), strict=False):
        ratios = {
            (name_of(each["size"]), each["conv"]): each["ratio"]["eager"]
            for each in times
            if each["allocator"] == allocator
        }
        bars(axis, ratios, f"time, {allocator} allocator")
    memory = {key: arms["eager"] / max(arms["dense"], 1) for key, arms in peaks.items()}
    bars(axes[2], memory, "peak of memory, default allocator")
    axes[0].set_ylabel("eager PyG as a multiple of dense")
    axes[0].legend(fontsize=8, frameon=False)
    figure.suptitle("One graph layer forward and backward: PyG against mmgraph, same weights")
    figure.savefig(args.output, dpi=130)


if __name__ == "__main__":
    main()
