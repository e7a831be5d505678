"""What a report holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.reports.record import ReportRecord
from mmgraph.system.atomic import written_at_once
from mmgraph.system.shown import MOST_LINES, paragraphs, table_html, table_lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class ModelReport(ReportRecord):
    """What `mmgraph.report` says of a model; fields as in `ReportRecord`."""

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
