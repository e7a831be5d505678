"""What `mmgraph.check` finds of known faults in openclipart: labels, duplicates and a leak.

python examples/benchmarks/check.py
"""

from __future__ import annotations

import argparse
import io
import time

import numpy as np
import pandas as pd
from PIL import Image as PILImage

import mmgraph
from mmgraph import Image, Text
from mmgraph.datasets import load_openclipart


def falsify(frame: pd.DataFrame, share: float, random: np.random.Generator) -> list[int]:
    """Give some rows the label of another class, and return their places."""
    rows = random.choice(len(frame), round(share * len(frame)), replace=False)
    classes = sorted(frame["label"].unique())
    for row in rows:
        others = [each for each in classes if each != frame["label"].iloc[row]]
        frame.iloc[row, frame.columns.get_loc("label")] = random.choice(others)
    return sorted(rows.tolist())


def copy_rows(frame: pd.DataFrame, count: int, random: np.random.Generator) -> pd.DataFrame:
    """Return the table with copies of training rows in the test split.

    Every second copy is another file: smaller, as JPEG, with a title in capitals.
    """
    rows = frame[frame["split"] == "train"].sample(count, random_state=random.integers(2**31))
    copies = rows.assign(split="test", group=[f"copy {number}" for number in range(count)])
    for place in range(1, count, 2):
        file = io.BytesIO()
        with PILImage.open(copies["image"].iloc[place]) as picture:
            smaller = picture.convert("RGB").resize(
                [max(1, side * 3 // 4) for side in picture.size]
            )
            smaller.save(file, "JPEG", quality=80)
        copies.iat[place, copies.columns.get_loc("image")] = file.getvalue()
        text = copies["text"].iloc[place]
        copies.iat[place, copies.columns.get_loc("text")] = text and text.upper()
    return pd.concat([frame, copies], ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--parts", nargs="+", default=["train", "val", "test"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rows", type=int, help="use only some rows")
    parser.add_argument("--page", help="file to write the last check to")
    arguments = parser.parse_args()
    for seed in arguments.seeds:
        random = np.random.default_rng(seed)
        frame = load_openclipart().part(*arguments.parts).reset_index(drop=True)
        frame = frame[: arguments.rows].astype({"image": object, "label": object})
        wrong = falsify(frame, 0.02, random)
        whole = len(frame)
        frame = copy_rows(frame, 20, random)
        codes = {label: f"k{number}" for number, label in enumerate(frame["label"].unique())}
        frame["code"] = [f"{codes[label]}-{random.integers(10**6)}" for label in frame["label"]]
        start = time.perf_counter()
        found = mmgraph.check(
            frame, "label", groups="group", modalities=[Image("image"), Text("text")]
        )
        seconds = time.perf_counter() - start
        listed = [each.rows[0] for each in found.of("label")][: 2 * len(wrong)]
        crossing = {row for each in found.errors if each.kind == "duplicate" for row in each.rows}
        copies = sum(row in crossing for row in range(whole, len(frame)))
        leaks = [f"{each.column} ({each.severity})" for each in found.of("leak")]
        print(
            f"seed {seed}: {len(set(listed) & set(wrong))} of {len(wrong)} false labels among the "
            f"first {len(listed)} rows; {copies} of 20 copies; leaks: {', '.join(leaks)}; "
            f"{seconds:.0f} s"
        )
        print(repr(found))
    if arguments.page:
        found.to_html(arguments.page)


if __name__ == "__main__":
    main()
