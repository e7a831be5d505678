"""Kill a fit at random times until it is done, and compare it with one that was left in peace.

    python examples/benchmarks/kill_and_resume.py [--kills 20]

Kills are SIGKILL at a random moment. After each, the same fit is begun again and goes on from its
last epoch. In the end, all weights must be the same to the last bit.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from mmgraph import MultimodalGraphClassifier, Text, load
from mmgraph.datasets import load_openclipart


def fit(folder: Path, rows: int, epochs: int) -> None:
    """Fit and save; goes on from the folder's checkpoint."""
    train = load_openclipart().part("train")[:rows]
    clf = MultimodalGraphClassifier(
        [Text("text", features=None)],
        epochs=epochs,
        modality_dropout=0.2,
        checkpoint_dir=folder / "state",
        verbose=False,
    )
    clf.fit(train, train["label"], groups=train["group"]).save(folder / "model", overwrite=True)


def start(folder: Path, args: argparse.Namespace) -> subprocess.Popen:
    """Fit in a process of its own."""
    options = ["--rows", str(args.rows), "--epochs", str(args.epochs)]
    command = [sys.executable, "-W", "ignore", __file__, *options, "--fit", str(folder)]
    return subprocess.Popen(command)


def is_same(one: Path, other: Path) -> bool:
    """Compare the weights of two saved models."""
    first, second = (load(folder / "model").model_.state_dict() for folder in (one, other))
    return first.keys() == second.keys() and all(
        torch.equal(first[name], second[name]) for name in first
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fit:
        fit(args.fit, args.rows, args.epochs)
        return
    draw = random.Random(args.seed)
    with tempfile.TemporaryDirectory() as name:
        unbroken, killed = Path(name, "unbroken"), Path(name, "killed")
        begin = time.perf_counter()
        assert start(unbroken, args).wait() == 0
        whole = time.perf_counter() - begin
        print(f"unbroken: {whole:.0f} s")
        kills = fits = 0
        while kills < args.kills:
            process = start(killed / str(fits), args)
            try:
                code = process.wait(draw.uniform(0.2, 1.0) * whole)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                kills += 1
                kept = sorted(path.name for path in (killed / str(fits)).glob("state/*"))
                print(f"kill {kills}: left {kept or 'nothing'}", flush=True)
                continue
            assert code == 0, f"fit {fits + 1} failed"
            print(f"fit {fits + 1} is done, same weights: {report(unbroken, killed / str(fits))}")
            fits += 1
        assert start(killed / str(fits), args).wait() == 0
        print(f"fit {fits + 1} is done, same weights: {report(unbroken, killed / str(fits))}")


def report(one: Path, other: Path) -> bool:
    """Return True, or stop with an error."""
    if not is_same(one, other):
        raise SystemExit(f"{other}: other weights than those of the unbroken fit")
    return True


if __name__ == "__main__":
    main()
