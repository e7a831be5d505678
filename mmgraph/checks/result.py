"""What a check of a table found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmgraph.checks.finding import TITLES, Finding
from mmgraph.checks.record import CheckRecord
from mmgraph.system.atomic import written_at_once
from mmgraph.system.shown import MOST_LINES, paragraphs, shorten_line, table_html
from mmgraph.tables.spreadsheets import as_text

if TYPE_CHECKING:
    import pandas as pd

#: Rows that one finding names.
_MOST_ROWS = 10


@dataclass(frozen=True, eq=False)
class DataCheck(CheckRecord):
    """What `mmgraph.check` found in a table; fields as in `CheckRecord`."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each finding: kind, severity, column, rows, score, message.

        `rows` are names of the table's rows, `suggestion` what a label should probably be.
        """
        import pandas as pd

        columns = ["kind", "severity", "column", "rows", "score", "suggestion", "message"]
        found = [
            (
                *(each.kind, each.severity, each.column),
                [self.frame.index[row] for row in each.rows],
                *(each.score, each.suggestion, each.message),
            )
            for each in self.findings
        ]
        return pd.DataFrame(found, columns=columns)

    def to_csv(self, path: str | Path) -> None:
        """Write a line for each finding and row; findings of no row have one line."""
        table = self.to_frame().rename(columns={"rows": "row"}).explode("row")
        with written_at_once(Path(path)) as draft:
            table.map(as_text).to_csv(draft, index=False)

    def to_html(self, path: str | Path) -> None:
        """Write a page of all findings, with pictures and texts of the rows."""
        from mmgraph.checks.page import make_page

        with written_at_once(Path(path)) as draft:
            draft.write_text(make_page(self), "utf-8", errors="backslashreplace")

    def __str__(self) -> str:
        return "\n".join(self._lines(len(self.findings)))

    def __repr__(self) -> str:
        return "\n".join(self._lines(MOST_LINES - 3 - len(TITLES)))

    def _repr_html_(self) -> str:
        """Return how many findings there are, and the first of each kind, for notebooks."""
        table = self.to_frame().groupby("kind", sort=False).head(3)
        return paragraphs([self.headline]) + table_html(table.drop(columns="rows"))

    def _lines(self, most: int) -> list[str]:
        """Return the findings as lines, the first of each kind where there are many."""
        lines = [self.headline]
        kinds = [kind for kind in TITLES if self.of(kind)]
        for kind in kinds:
            found = self.of(kind)
            shown = found[: max(1, most // max(len(kinds), 1))]
            lines += [shorten_line(f"  {self.describe(each)}") for each in shown]
            if len(found) > len(shown):
                lines.append(f"  and {len(found) - len(shown)} more of the kind {kind!r}")
        return lines

    def describe(self, finding: Finding) -> str:
        """Return a finding as a line."""
        rows = [self.named(row) for row in finding.rows[:_MOST_ROWS]]
        more = len(finding.rows) - len(rows)
        where = [f"column {finding.column!r}"] if finding.column is not None else []
        where += [f"row {', '.join(rows)}{f' and {more} more' if more else ''}"] if rows else []
        place = f" ({'; '.join(where)})" if where else ""
        return f"{finding.severity}: {finding.kind}{place}: {finding.message}"

    def to_dict(self) -> dict[str, Any]:
        """Return all findings as what JSON holds."""
        return {
            "rows": len(self.frame),
            "errors": len(self.errors),
            "findings": [
                {
                    "kind": each.kind,
                    "severity": each.severity,
                    "column": each.column,
                    "rows": list(each.rows),
                    "score": each.score,
                    "suggestion": each.suggestion,
                    "message": each.message,
                }
                for each in self.findings
            ],
        }
