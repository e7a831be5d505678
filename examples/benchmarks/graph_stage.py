"""Compare one graph layer, forward and backward, by PyG and by mmgraph's dense execution.

    python examples/benchmarks/graph_stage.py [--quick] [--output graph_stage.json]

Regions of an image in a grid, tokens of a text in a chain, and all pairs across, both ways. PyG's
convolutions own the weights; the dense arm reads the same. Arms take turns in one process for each
allocator, and ratios are medians of the rounds' own. "tuned" tells glibc to keep freed memory:
otherwise most of PyG's time on large edge tensors is the kernel zeroing pages.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
import torch_geometric
from graph_case import CONVS, Case, Messages
from turns import take_turns

ALLOCATORS = {
    "default": {},
    "tuned": {
        "MALLOC_MMAP_THRESHOLD_": "8000000000",
        "MALLOC_TRIM_THRESHOLD_": "16000000000",
        "MALLOC_TOP_PAD_": "268435456",
    },
}
#: Regions, tokens, channels, samples.
SIZES = [(49, 32, 64, 64), (49, 32, 128, 64), (49, 128, 128, 64), (196, 128, 128, 64)]
QUICK_SIZES = [(49, 32, 64, 64), (49, 32, 128, 64)]
#: Long texts on many regions; the peak of memory only.
LONG = (196, 512, 128, 16)
#: Seconds after which a case has had enough rounds.
LONGEST = 40.0
ARMS = ("eager", "dense")


def check(case: Case, arms: dict[str, Messages]) -> float:
    """Return the largest difference between an arm and PyG, as a share of the largest entry."""
    wanted = case.step(arms["eager"])
    worst = 0.0
    for name, arm in arms.items():
        for key, x in case.step(arm).items() if name != "eager" else ():
            if x is not None:
                scale = wanted[key].abs().max().clamp(min=1)
                worst = max(worst, float((x - wanted[key]).abs().max() / scale))
    return worst


def measure(case: Case, compiled: bool, rounds: int) -> dict:
    """Time the arms in turns; return milliseconds, ratios to dense and the largest difference."""
    arms = case.arms(compiled)
    start = time.perf_counter()
    difference = check(case, arms)
    compile_seconds = time.perf_counter() - start
    times = take_turns(
        {name: partial(case.step, arm) for name, arm in arms.items()}, rounds, LONGEST
    )
    ratios = {
        name: statistics.median(
            other / own
            for other, own in zip(
                each, times["dense + build" if "build" in name else "dense"], strict=True
            )
        )
        for name, each in times.items()
        if "dense" not in name
    }
    return {
        "ms": {name: statistics.median(each) for name, each in times.items()},
        "ratio": ratios,
        "difference": difference,
        "first_step_s": compile_seconds,
    }


def peak(case: Case, name: str, small: Case) -> float:
    """Return by how many MiB two steps of an arm raise the process's largest resident set."""
    arm = case.arms(compiled=False)[name]
    # Libraries that are loaded at the first step, and their buffers, are not the layer's.
    small.step(small.arms(compiled=False)[name])
    start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        case.step(arm)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - start) / 1024


def run_child(allocator: str, tasks: list[dict]) -> Iterator[dict]:
    """Do tasks in a process of their own; yield each result when it is there."""
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, "--tasks", json.dumps(tasks)],
        env={**os.environ, **ALLOCATORS[allocator], "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    for task in tasks:
        line = child.stdout.readline()
        if not line:
            raise SystemExit(f"{allocator}: {task} failed")
        yield {"allocator": allocator, **task, **json.loads(line)}
    child.wait()


def do(task: dict) -> dict:
    """Do one task: measure times, or the peak of one arm."""
    torch.set_num_threads(1)
    case = Case(task["conv"], *task["size"])
    if task["what"] == "time":
        return measure(case, task["compiled"], task["rounds"])
    return {"mib": peak(case, task["arm"], Case(task["conv"], 4, 4, 8, 2))}


def environment() -> dict[str, str]:
    """Return machine and versions."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torch_geometric": torch_geometric.__version__,
    }


def compare_times(
    sizes: list, convs: list[str], allocators: list[str], compiled: bool, rounds: int
) -> list[dict]:
    """Print and return the times of all cases."""
    print("ratios of the time to that of dense execution; one thread")
    print(f"{'regions, tokens, D, batch':27}{'conv':12}{'allocator':11}{'dense ms':>8}", end="")
    print(f"{'eager':>7}{'compiled':>9}{'+ build':>8}{'difference':>12}")
    results = []
    for allocator in allocators:
        tasks = [
            # Compiling takes a minute each time, and what it makes allocates little.
            {
                "what": "time",
                "size": size,
                "conv": conv,
                "compiled": compiled and allocator == "tuned",
                "rounds": rounds,
            }
            for size in sizes
            for conv in convs
        ]
        for result in run_child(allocator, tasks):
            results.append(result)
            ratio = result["ratio"]
            own = f"{ratio['compiled']:.1f}" if "compiled" in ratio else ""
            print(
                f"{', '.join(map(str, result['size'])):27}{result['conv']:12}{allocator:11}"
                f"{result['ms']['dense']:8.1f}{ratio['eager']:7.1f}{own:>9}"
                f"{ratio['eager + build']:8.1f}{result['difference']:12.1e}",
                flush=True,
            )
    return results


def compare_memory(sizes: list, convs: list[str]) -> list[dict]:
    """Print and return the peaks of memory, each in a process of its own."""
    print("largest resident set above the start, MiB")
    results = []
    for size in sizes:
        for conv in convs:
            task = {"what": "memory", "size": size, "conv": conv}
            pair = [next(run_child("default", [{**task, "arm": arm}])) for arm in ARMS]
            results += pair
            eager, dense = (each["mib"] for each in pair)
            print(
                f"{', '.join(map(str, size)):27}{conv:12}eager {eager:6.0f}  dense {dense:6.0f}  "
                f"1/{eager / max(dense, 1):.1f}",
                flush=True,
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one small size, nothing compiled")
    parser.add_argument("--convs", nargs="+", choices=list(CONVS), default=list(CONVS))
    parser.add_argument("--size", type=int, nargs=4, metavar=("R", "T", "D", "B"), action="append")
    names = list(ALLOCATORS)
    parser.add_argument("--allocators", nargs="+", choices=names, default=names)
    parser.add_argument("--no-compile", dest="compiled", action="store_false")
    parser.add_argument("--only", choices=["times", "memory"])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path, help="write all figures as JSON")
    parser.add_argument("--tasks", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.tasks:
        for task in json.loads(args.tasks):
            print(json.dumps(do(task)), flush=True)
        return
    facts = environment()
    print(*(f"{key} {value}" for key, value in facts.items()), sep=", ")
    sizes = SIZES[:1] if args.quick else args.size or SIZES
    results = []
    if args.only != "memory":
        rounds = 3 if args.quick else args.rounds
        compiled = args.compiled and not args.quick
        results += compare_times(sizes, args.convs, args.allocators, compiled, rounds)
    if args.only != "times":
        results += compare_memory(sizes, args.convs[:1] if args.quick else args.convs)
        results += [] if args.quick or args.size else compare_memory([LONG], ["Transformer"])
    if args.output:
        args.output.write_text(json.dumps({"environment": facts, "results": results}, indent=1))


if __name__ == "__main__":
    main()
