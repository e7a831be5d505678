"""What a comparison found: tables, tests, learning curves, and the test rows, read once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.comparison.experiment import Experiment
from mmgraph.comparison.markdown import write_table
from mmgraph.comparison.pictures import plot_comparison
from mmgraph.comparison.store import Part, Run, RunStore, write_json
from mmgraph.comparison.tables import (
    score_together,
    summarise_runs,
    tabulate_errors,
    tabulate_runs,
)
from mmgraph.errors import DataError
from mmgraph.system.shown import MOST_LINES, paragraphs, shorten_line, table_html, table_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

logger = logging.getLogger("mmgraph")

#: Columns of the summary that show themselves.
_SHOWN = ["metric", "method", "mean", "std_folds", "difference", "p_holm", "runs"]

_DESCRIPTION, _TEST = "comparison.json", "test.json"


class Comparison:
    """The runs of a comparison, as far as they are done; made by `compare` or `read`.

    Args:
        folder: Folder with the runs.
        metrics: Names of metrics; the first one orders the methods.
        reference: The method that others are tested against.
        keys: Keys of the planned runs, by what they are for.
        experiment: What can still be run; None for a comparison that was read. Default: None.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        metrics: Sequence[str],
        reference: str,
        keys: dict[str, list[str]],
        experiment: Experiment | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.metrics = list(metrics)
        self.reference = reference
        self.keys = keys
        self.experiment = experiment

    @classmethod
    def begin(
        cls, experiment: Experiment, folder: str | Path, *, metrics: Sequence[str], reference: str
    ) -> Comparison:
        """Return the comparison of an experiment, and write down in its folder what it is."""
        keys = {"fold": [plan.key for plan in experiment.plan_folds()], "curve": []}
        comparison = cls(
            folder, metrics=metrics, reference=reference, keys=keys, experiment=experiment
        )
        comparison._write()
        return comparison

    @classmethod
    def read(cls, folder: str | Path) -> Comparison:
        """Return a comparison from its folder, as far as it was run; its data are not needed.

        Raises:
            DataError: The folder holds none.
        """
        path = Path(folder) / _DESCRIPTION
        if not path.is_file():
            raise DataError(f"{folder}: expected {_DESCRIPTION}, which mmgraph.compare writes")
        return cls(folder, **json.loads(path.read_text("utf-8")))

    def runs(self, part: Part = "fold") -> list[Run]:
        """Return the finished runs of a part, in the order they were planned in."""
        store = RunStore(self.folder / "runs")
        keys = self._read_lock()["keys"] if part == "test" else self.keys[part]
        return [store.read(key) for key in keys if key in store]

    @property
    def missing(self) -> int:
        """Number of runs on folds that are planned and not done yet."""
        store = RunStore(self.folder / "runs")
        return sum(key not in store for key in self.keys["fold"])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """A row for each run on a fold and each metric.

        Columns method, fold, seed, metric, value, parameters, fit_seconds, predict_seconds,
        train_rows, test_rows.
        """
        return tabulate_runs(self.runs(), self.metrics)

    def scores(self, part: Part = "fold", *, by: Any = None) -> pd.DataFrame:
        """Return a table such as `frame` for a part, and for slices of the rows.

        Args:
            part: "fold", "curve" or "test".
            by: A value for each row of the whole table; rows of each value are scored apart, in a
                column "slice".
        """
        return tabulate_runs(self.runs(part), self.metrics, by)

    def summary(self) -> pd.DataFrame:
        """Return means, spreads, and tests against the reference; see `summarise_runs`."""
        together = score_together(self.runs(), self.metrics)
        return summarise_runs(self.frame, self.reference, together)

    def learning_curve(
        self, sizes: Sequence[int], *, budget_minutes: float | None = None
    ) -> pd.DataFrame:
        """Train on fewer rows of each fold, and return all runs as a table such as `frame`.

        Rows are drawn by the seed; larger numbers keep those of smaller ones. The runs on all
        rows of the folds are the curve's end.

        Args:
            sizes: Numbers of training rows; a fold that has no more is left out.
            budget_minutes: Begin no run after this time; None: do all.

        Raises:
            DataError: The comparison was read from its folder, so that there are no data.
        """
        experiment = self._experiment("learning_curve")
        plans = experiment.plan_curve(sizes)
        known = set(self.keys["curve"])
        self.keys["curve"] += [plan.key for plan in plans if plan.key not in known]
        self._write()
        experiment.run(plans, budget_minutes=budget_minutes)
        return self.curve()

    def curve(self, *, by: Any = None) -> pd.DataFrame:
        """Return the runs of learning curves that are done, those on all rows included."""
        import pandas as pd

        ends = tabulate_runs(self.runs(), self.metrics, by)
        # Folds differ by a row or two, which are one point of the curve.
        ends["train_rows"] = round(ends["train_rows"].mean()) if len(ends) else 0
        parts = [tabulate_runs(self.runs("curve"), self.metrics, by), ends]
        return pd.concat([part for part in parts if len(part)] or parts, ignore_index=True)

    def test(self) -> pd.DataFrame:
        """Train every method on all other rows, and score it on the test rows, once.

        The result is written with its date. Later calls return what was written, and warn that
        the test rows were read before, so that nothing is chosen by them.

        Returns:
            A table such as `frame`, with the date in `attrs["date"]`.

        Raises:
            DataError: There are no test rows, or they were read with other methods, seeds or
                data.
        """
        experiment = self._experiment("test")
        if experiment.test is None:
            raise DataError("there are no test rows; pass test= to compare")
        plans = experiment.plan_test()
        begun = self._lock([plan.key for plan in plans])
        if begun["done"] is not None:
            logger.warning("the test rows were read on %s; this is that result", begun["done"])
        else:
            experiment.run(plans)
            begun["done"] = _now()
            write_json(self.folder / _TEST, begun)
        table = tabulate_runs(self.runs("test"), self.metrics)
        table.attrs["date"] = begun["done"]
        return table

    def always_wrong(self, k: int | None = None) -> pd.DataFrame:
        """Return the rows that every method got wrong, whatever the seed: suspicious labels.

        Each row was predicted by models that were not trained on it. First come those to whose
        label the methods gave the least probability.

        Args:
            k: At most so many; None: all.

        Returns:
            Columns row (position), truth, predicted, agreement and probability, see
            `tables.tabulate_errors`; the index is that of the table, where it is known.

        Raises:
            DataError: The targets are not one class for each row.
        """
        runs = self.runs()
        if any(run.truth.ndim != 1 or run.classes is None for run in runs):
            raise DataError("always_wrong is for one class for each row")
        listing = tabulate_errors(runs).head(k) if k is not None else tabulate_errors(runs)
        if self.experiment is None:
            return listing.reset_index(drop=True)
        return listing.set_index(self.experiment.frame.index[listing["row"].to_numpy(int)])

    def to_markdown(self) -> str:
        """Return the summary as a table of Markdown, with what is needed to judge it."""
        return write_table(
            self.summary(), self.runs(), reference=self.reference, missing=self.missing
        )

    def plot(self) -> Figure:
        """Draw every method's folds and mean, a panel for each metric."""
        return plot_comparison(self.frame, self.summary(), self.reference)

    def __repr__(self) -> str:
        return "\n".join([self._headline(), *table_lines(self._means(), MOST_LINES - 1)])

    def _repr_html_(self) -> str:
        """Return the table of means as notebooks show it."""
        return paragraphs([self._headline()]) + table_html(self._means())

    def _headline(self) -> str:
        missing = f", {self.missing} missing" if self.missing else ""
        runs = f"{len(self.keys['fold'])} runs{missing}"
        reference = shorten_line(self.reference, 40)
        return shorten_line(f"comparison with {reference}, {runs}, in {self.folder}")

    def _means(self) -> pd.DataFrame:
        """Return what of the summary fits a line, of the runs that are done by now."""
        table = summarise_runs(tabulate_runs(self.runs(), self.metrics), self.reference)
        return table[_SHOWN] if len(table) else table

    def _experiment(self, what: str) -> Experiment:
        # What was cached may be out of date after new runs.
        self.__dict__.pop("frame", None)
        if self.experiment is None:
            raise DataError(f"{what} needs the data: call compare with the same arguments")
        return self.experiment

    def _lock(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return what is known of the test, which from now on is bound to these runs."""
        path = self.folder / _TEST
        begun = self._read_lock()
        if begun["begun"] is None:
            begun = {"begun": _now(), "done": None, "keys": list(keys)}
            write_json(path, begun)
        if begun["keys"] != list(keys):
            raise DataError(
                f"{path}: the test rows were read on {begun['begun']} with other methods, seeds, "
                "data or another version; a second look would be a choice by the test rows. If "
                "this is a new question, take a new output folder"
            )
        return begun

    def _read_lock(self) -> dict[str, Any]:
        path = self.folder / _TEST
        if not path.is_file():
            return {"begun": None, "done": None, "keys": []}
        begun: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return begun

    def _write(self) -> None:
        """Write down what the comparison is, so that it can be read without its data."""
        self.folder.mkdir(parents=True, exist_ok=True)
        described = {"metrics": self.metrics, "reference": self.reference, "keys": self.keys}
        write_json(self.folder / _DESCRIPTION, described)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
