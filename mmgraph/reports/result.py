"""What a report holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.system.atomic import written_at_once
from mmgraph.system.shown import MOST_LINES, paragraphs, shorten_line, table_html, table_lines

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Slices that lines name.
_MOST_SLICES = 4


@dataclass(frozen=True, eq=False)
class ModelReport:
    """How good a model is, where it is wrong, and how sure the figures are.

    Args:
        rows: Number of rows.
        metrics: metric, value, low, high: with 95% intervals of the bootstrap.
        classes: class, precision, recall, f1, rows, predicted; none for numbers.
        slices: slice, value, rows, the first metric, low, high, differs; the worst first.
        baselines: baseline and metrics, the best first. That best one was chosen by these rows,
            which favours it.
        confusion: Counts of true (rows) and predicted classes; None for labels and numbers.
        calibration: confidence, accuracy, rows of bins of confidence; None for numbers.
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

    def plot(self) -> Figure:
        """Draw the confusion matrix and the calibration curve; for numbers, the slices."""
        from mmgraph.reports.pictures import plot_report

        return plot_report(self)

    def to_dict(self) -> dict[str, Any]:
        """Return all tables as what JSON holds: lists of dicts."""
        tables = {
            "metrics": self.metrics,
            "classes": self.classes,
            "slices": self.slices,
            "baselines": self.baselines,
        }
        found: dict[str, Any] = {"rows": self.rows}
        found |= {name: table.to_dict("records") for name, table in tables.items()}
        if self.calibration is not None:
            found["calibration"] = self.calibration.to_dict("records")
        if self.confusion is not None:
            found["confusion"] = {
                "classes": [str(each) for each in self.confusion.columns],
                "counts": self.confusion.to_numpy().tolist(),
            }
        return found

    def to_html(self, path: str | Path) -> None:
        """Write a page with all tables, the confusion matrix and the calibration curve."""
        from mmgraph.reports.page import make_page

        with written_at_once(Path(path)) as draft:
            draft.write_text(make_page(self), "utf-8", errors="backslashreplace")

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        said = self.sentences
        return "\n".join([*said, *table_lines(self.metrics, MOST_LINES - len(said))])

    def _repr_html_(self) -> str:
        """Return what matters most, and the tables of metrics and classes, for notebooks."""
        return paragraphs(self.sentences) + table_html(self.metrics) + table_html(self.classes)
