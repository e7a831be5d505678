"""What a check holds: the table and the findings; pages are made from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mmgraph.checks.finding import Finding, Kind
from mmgraph.modalities.base import Modality
from mmgraph.tables.names import row_name

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class CheckRecord:
    """A table, and what was found in it.

    Args:
        frame: The table.
        label: Name of the label's column.
        findings: All findings; those of one kind follow each other, the surest first.
        modalities: How inputs were read. Default: ().
        split: Name of the column that says which split a row belongs to. Default: None.
    """

    frame: pd.DataFrame = field(repr=False)
    label: str
    findings: tuple[Finding, ...]
    modalities: Sequence[Modality] = ()
    split: str | None = None

    @property
    def errors(self) -> list[Finding]:
        """Findings that make scores wrong: leaks, duplicates across splits, broken files."""
        return [each for each in self.findings if each.severity == "error"]

    def of(self, kind: Kind) -> list[Finding]:
        """Return the findings of one kind."""
        return [each for each in self.findings if each.kind == kind]

    def named(self, row: int) -> str:
        """Return what the table calls a row."""
        return row_name(self.frame.index, row)

    @property
    def headline(self) -> str:
        """How many findings there are."""
        count = Counter(each.severity for each in self.findings)
        said = [
            f"{count[each]} {each}{'s' * (count[each] > 1)}"
            for each in ("error", "warning", "note")
            if count[each]
        ]
        return f"{len(self.frame):,} rows: {', '.join(said) or 'nothing found'}"
