"""What is run: methods on splits with seeds, each run once and kept on disk."""

from __future__ import annotations

import inspect
import logging
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped

from mmgraph.comparison.describe import describe_value, fingerprint, fingerprint_frame
from mmgraph.comparison.method import Method
from mmgraph.comparison.methods import count_parameters
from mmgraph.comparison.source import fingerprint_code
from mmgraph.comparison.splits import Split, subset
from mmgraph.comparison.store import Part, Run, RunStore
from mmgraph.version import __version__

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("mmgraph")

#: Packages whose versions are kept with each run.
_PACKAGES = ("torch", "torch-geometric", "scikit-learn", "numpy")


@dataclass(frozen=True, eq=False)
class Plan:
    """A run that is to be done, or was.

    Args:
        key: Hash of all that decides it.
        method: The method.
        part: What it is for.
        split: Its rows.
        seed: Its seed.
    """

    key: str
    method: Method
    part: Part
    split: Split
    seed: int


class Experiment:
    """Methods, data, splits and seeds, and the folder that keeps their runs.

    Args:
        frame: The inputs: the table without target, groups and split.
        truth: Target of each row; a table of 0 and 1 for sets of labels.
        labels: Names of the columns of such a table.
        groups: Group of each row, or None.
        methods: The methods.
        folds: The splits to choose by, for each seed.
        test: The test rows with all others to train on, or None.
        seeds: Seeds of the fits.
        folder: Where the runs are kept.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        truth: Shaped[np.ndarray, "rows *outputs"],
        *,
        labels: Sequence[Any] | None,
        groups: Any,
        methods: Sequence[Method],
        folds: Sequence[Sequence[Split]],
        test: Split | None,
        seeds: Sequence[int],
        folder: str | Path,
    ) -> None:
        self.frame = frame
        self.truth = truth
        self.labels = labels
        self.groups = None if groups is None else np.asarray(groups)
        self.methods = list(methods)
        self.folds = [list(each) for each in folds]
        self.test = test
        self.seeds = list(seeds)
        self.store = RunStore(Path(folder) / "runs")
        known = [fingerprint_frame(frame), describe_value(truth), describe_value(self.groups)]
        self.data_key = fingerprint([fingerprint_code(), known, labels])

    def plan_folds(self) -> list[Plan]:
        """Return the runs to choose by; all methods of a fold and seed stand together."""
        return _once(
            self._plan(method, "fold", split, seed)
            for seed, folds in zip(self.seeds, self.folds, strict=True)
            for split in folds
            for method in self.methods
        )

    def plan_curve(self, sizes: Sequence[int]) -> list[Plan]:
        """Return the runs with fewer training rows; the seed chooses them too."""
        return _once(
            self._plan(method, "curve", subset(split, size, seed=seed), seed)
            for seed, folds in zip(self.seeds, self.folds, strict=True)
            for split in folds
            for size in sorted(sizes)
            if size < len(split.train)
            for method in self.methods
        )

    def plan_test(self) -> list[Plan]:
        """Return the runs on the test rows."""
        assert self.test is not None
        return _once(
            self._plan(method, "test", self.test, seed)
            for seed in self.seeds
            for method in self.methods
        )

    def run(self, plans: Sequence[Plan], *, budget_minutes: float | None = None) -> None:
        """Do the runs that are not done yet, and stop to begin new ones when time is up."""
        left = [plan for plan in plans if plan.key not in self.store]
        if len(left) < len(plans):
            logger.info("%d of %d runs were done before", len(plans) - len(left), len(plans))
        start = time.monotonic()
        for number, plan in enumerate(left):
            if budget_minutes is not None and time.monotonic() - start > 60 * budget_minutes:
                logger.info("time is up: %d runs are left", len(left) - number)
                return
            run = self._run(plan)
            self.store.write(run)
            logger.info(
                "run %d of %d: %s, %s, fold %s, %d rows, seed %d: %.1f s",
                *(len(plans) - len(left) + number + 1, len(plans), run.method, run.part),
                *(run.fold, run.train_rows, run.seed, run.fit_seconds + run.predict_seconds),
            )

    def _plan(self, method: Method, part: Part, split: Split, seed: int) -> Plan:
        # A method that takes no seed is run once on the same rows.
        decides = [self.data_key, method.name, method.describe(seed), part]
        decides.append(seed if method.seeded else None)
        return Plan(fingerprint([*decides, split.train, split.test]), method, part, split, seed)

    def _run(self, plan: Plan) -> Run:
        train, test = plan.split.train, plan.split.test
        inputs = self.frame.iloc[test]
        estimator = plan.method.make(plan.seed)
        start = time.perf_counter()
        self._fit(estimator, train)
        fitted = time.perf_counter()
        predicted = np.asarray(estimator.predict(inputs))
        done = time.perf_counter()
        proba = estimator.predict_proba(inputs) if hasattr(estimator, "predict_proba") else None
        classes = getattr(estimator, "classes_", None)
        return Run(
            key=plan.key,
            method=plan.method.name,
            part=plan.part,
            fold=plan.split.name,
            seed=plan.seed,
            train_rows=len(train),
            parameters=count_parameters(estimator),
            fit_seconds=fitted - start + getattr(estimator, "shared_seconds_", 0.0),
            predict_seconds=done - fitted,
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=find_versions(),
            rows=test,
            truth=self.truth[test],
            predicted=_plain(predicted),
            probabilities=None if proba is None else np.asarray(proba, dtype=np.float32),
            classes=None if classes is None else _plain(np.asarray(classes)),
        )

    def _fit(self, estimator: Any, rows: Any) -> None:
        import pandas as pd

        inputs = self.frame.iloc[rows]
        y: Any = self.truth[rows]
        if self.truth.ndim == 2 and self.labels is not None:
            y = pd.DataFrame(y, columns=list(self.labels), index=inputs.index)
        if self.groups is not None and "groups" in inspect.signature(estimator.fit).parameters:
            estimator.fit(inputs, y, groups=self.groups[rows])
        else:
            estimator.fit(inputs, y)


def _once(plans: Iterable[Plan]) -> list[Plan]:
    """Return the plans in their order, without those that are another one again."""
    first: dict[str, Plan] = {}
    for plan in plans:
        first.setdefault(plan.key, plan)
    return list(first.values())


def find_versions() -> dict[str, str]:
    """Return the versions of what runs are made with."""
    found = {"python": platform.python_version(), "mmgraph": __version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _plain(values: Shaped[np.ndarray, "*shape"]) -> Shaped[np.ndarray, "*shape"]:
    """Return arrays of objects as arrays that can be written without pickle."""
    return np.array(values.tolist()) if values.dtype.kind == "O" else values
