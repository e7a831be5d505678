"""Time whole fits of the quickstart's model: by execution, and by the allocator's settings.

    python examples/benchmarks/fit_time.py [--epochs 3] [--rounds 3] [--output fit_time.json]

Every fit runs in a process of its own on features that are computed before. "tuned" is glibc's
malloc told to keep freed memory from the start; by itself mmgraph does so while it trains.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from graph_stage import ALLOCATORS

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.datasets import load_openclipart

#: Execution and allocator of each arm.
ARMS = {
    "dense": ("auto", "default"),
    "dense, tuned allocator": ("auto", "tuned"),
    "sparse": ("sparse", "default"),
}


def fit(execution: str, epochs: int) -> dict[str, float]:
    """Return seconds of the fit and of an epoch, and the accuracy on the validation split."""
    data = load_openclipart()
    train, held = data.part("train"), data.part("val")
    clf = MultimodalGraphClassifier(
        [Image("image"), Text("text")], epochs=epochs, execution=execution, verbose=False
    )
    start = time.perf_counter()
    clf.fit(train, train["label"])
    seconds = time.perf_counter() - start
    # The first epoch is longer: libraries warm up.
    epoch = statistics.median(entry["seconds"] for entry in clf.history_[1:])
    return {"fit": seconds, "epoch": epoch, "accuracy": clf.score(held, held["label"])}


def run_child(arm: str, epochs: int) -> dict[str, float]:
    """Fit in a new process."""
    execution, allocator = ARMS[arm]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--epochs", str(epochs), "--fit", execution],
        env={**os.environ, **ALLOCATORS[allocator]},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=list(ARMS), default=list(ARMS))
    parser.add_argument("--output", type=Path, help="write all figures as JSON")
    parser.add_argument("--fit", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        print(json.dumps(fit(args.fit, args.epochs)))
        return
    run_child("dense", 2)  # fills the cache of features
    results: dict[str, list[dict[str, float]]] = {arm: [] for arm in args.arms}
    print(f"{'':26}{'fit s':>8}{'epoch s':>9}{'accuracy':>10}")
    for _ in range(args.rounds):
        for arm in args.arms:
            result = run_child(arm, args.epochs)
            results[arm].append(result)
            figures = f"{result['fit']:8.1f}{result['epoch']:9.2f}{result['accuracy']:10.3f}"
            print(f"{arm:26}{figures}", flush=True)
    for arm in args.arms[1:]:
        for key in ("fit", "epoch"):
            ratios = [
                each[key] / dense[key]
                for each, dense in zip(results[arm], results[args.arms[0]], strict=True)
            ]
            print(f"{key} of {arm} against {args.arms[0]}: {statistics.median(ratios):.2f} times")
    if args.output:
        args.output.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
