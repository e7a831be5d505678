"""Predict a number from a text and a table: the rents of made-up flats.

    python examples/regression.py [--rows 600] [--epochs 15]

No data set that ships has numbers to predict, so these are drawn: a rent is area times the price
of a square metre, which a word of the description tells, with some noise. Neither input is enough
alone, and a tenth of the cells is missing.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import pandas as pd
from sklearn.metrics import mean_absolute_error

from mmgraph import MultimodalGraphRegressor, Tabular, Text

PRICES = {"suburban": 9.0, "quiet": 11.0, "central": 16.0, "riverside": 19.0, "luxurious": 24.0}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=600, help="training rows")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def make_flats(count: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return flats and their rents."""
    random = np.random.default_rng(seed)
    area, word = random.uniform(25, 120, count), random.choice(list(PRICES), count)
    rent = area * np.array([PRICES[each] for each in word]) + random.normal(0, 40, count)
    floor = random.integers(0, 9, count)
    text = [f"{each} flat on floor {level}" for each, level in zip(word, floor, strict=True)]
    flats = pd.DataFrame({"text": text, "area": area}).astype(object)
    return flats.mask(random.random(flats.shape) < 0.1), rent


def main() -> None:
    arguments = parse_arguments()
    start = time.perf_counter()
    train, rent = make_flats(arguments.rows, arguments.seed)
    test, truth = make_flats(300, arguments.seed + 1)
    kinds = {"text": Text("text", features=None), "area": Tabular("area")}
    print(f"{'mean rent':16} error {mean_absolute_error(truth, np.full(300, rent.mean())):6.1f}")
    for names in (["text"], ["area"], ["text", "area"]):
        model = MultimodalGraphRegressor(
            [kinds[name] for name in names],
            epochs=arguments.epochs,
            random_state=arguments.seed,
            verbose=False,
        )
        model.fit(train[names], rent)
        rows = test[names].notna().any(axis=1).to_numpy()  # the others get the mean
        error = mean_absolute_error(truth[rows], model.predict(test.loc[rows, names]))
        print(f"{' and '.join(names):16} error {error:6.1f}")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
