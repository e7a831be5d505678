"""What a report holds: its tables; pages and pictures are made from records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmgraph.system.shown import shorten_line

if TYPE_CHECKING:
    import pandas as pd

#: Slices that lines name.
_MOST_SLICES = 4


@dataclass(frozen=True, eq=False)
class ReportRecord:
    """How good a model is, where it is wrong, and how sure the figures are.

    Args:
        rows: Number of rows.
        metrics: metric, value, low, high: with 95% intervals of the bootstrap.
        classes: class, precision, recall, f1, rows, predicted; none for numbers.
        slices: slice, value, rows, the first metric, low, high, differs; the worst first.
        baselines: baseline and metrics, the best first. That best one was chosen by these rows,
            which favours it.
        confusion: Counts of true (rows) and predicted classes; None for labels and
            numbers. Default: None.
        calibration: confidence, accuracy, rows of bins of confidence; None for numbers.
            Default: None.
    """

    rows: int
    metrics: pd.DataFrame
    classes: pd.DataFrame
    slices: pd.DataFrame
    baselines: pd.DataFrame
    confusion: pd.DataFrame | None = None
    calibration: pd.DataFrame | None = None

    @property
    def sentences(self) -> list[str]:
        """What matters most, in words."""
        first, best = self.metrics.iloc[0], self.baselines.iloc[0]
        name = first["metric"]
        said = [
            f"{self.rows:,} rows: {name} {first['value']:.3f} "
            f"(95% interval {first['low']:.3f} to {first['high']:.3f})",
            f"best baseline, {best['baseline']}: {name} {best[name]:.3f}",
        ]
        worse = self.slices[self.slices["differs"] == "worse"].head(_MOST_SLICES)
        said += [
            f"worse where {each['slice']} is {each['value']}: {name} {each[name]:.3f} "
            f"({each['rows']} rows)"
            for _, each in worse.iterrows()
        ]
        return [shorten_line(each) for each in said]
