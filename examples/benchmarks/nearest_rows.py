"""How long the nearest of many training rows are looked for, and what they take in memory.

Vectors are made up, as many and as long as those of a model of two modalities. One thread.
"""

import argparse
import time

import torch

from mmgraph.nn.neighbours.similarity import RowVectors, nearest

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, nargs="+", default=[20_000, 100_000, 1_000_000])
parser.add_argument("--queries", type=int, default=1000)
parser.add_argument("--times", type=int, default=3, help="The fastest of so many is printed.")
args = parser.parse_args()
torch.set_num_threads(1)
generator = torch.Generator().manual_seed(0)


def make_rows(count: int, missing: float) -> RowVectors:
    """Return random rows, which lack either modality with some probability."""
    vectors = [torch.randn(count, 64, generator=generator) for _ in range(2)]
    has = torch.rand(count, 2, generator=generator) >= missing
    return RowVectors(tuple(torch.nn.functional.normalize(x, dim=1) for x in vectors), has)


print("rows, lacking a modality, CPU seconds for all queries, MB of the saved index")
for count in args.rows:
    for missing in (0.0, 0.2):
        rows, queries = make_rows(count, missing), make_rows(args.queries, missing)
        seconds = []
        for _ in range(args.times):
            start = time.process_time()
            nearest(queries, rows, torch.tensor([6.0, 6.0]), 51)
            seconds.append(time.process_time() - start)
        size = count * 2 * 64 * 2 / 1e6
        print(f"{count:,} {missing:.0%} {min(seconds):.2f} {size:.0f}")
