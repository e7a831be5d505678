"""What a diagnosis found: numbers with standard errors, as a table, a picture and words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph.diagnosis import verdict
from mmgraph.diagnosis.measures import Measures
from mmgraph.system.atomic import written_at_once
from mmgraph.system.shown import (
    MOST_LINES,
    paragraphs,
    shorten_line,
    table_html,
    table_lines,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

#: Sentences of the verdict that are shown beside the table.
_MOST_SENTENCES = 8


@dataclass(frozen=True)
class Diagnosis(Measures):
    """How much a fitted model owes to each modality, to interaction and to cross-modal edges.

    What the measures mean stands at `Measures`, fields as there.
    """

    @property
    def verdict(self) -> str:
        """What the numbers say, in sentences that claim no more than two standard errors allow."""
        return "\n".join(verdict.sentences(self))

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each measure: measure, modality, value, standard_error, rows."""
        import pandas as pd

        rows = [tuple(asdict(measure).values()) for measure in self.measures]
        columns = ["measure", "modality", "value", "standard_error", "rows"]
        return pd.DataFrame(rows, columns=columns)

    def to_json(self, path: str | Path | None = None) -> str:
        """Return score, modalities, measures and verdict as JSON, and write it if a path is given.

        Args:
            path: The file to write.
        """
        text = json.dumps({**asdict(self), "verdict": self.verdict}, indent=1, ensure_ascii=False)
        if path is not None:
            with written_at_once(Path(path)) as draft:
                draft.write_text(text, "utf-8", errors="backslashreplace")
        return text

    def plot(self) -> Figure:
        """Draw modalities, interaction and edges on one page, the verdict below."""
        from mmgraph.diagnosis.pictures import plot_diagnosis

        return plot_diagnosis(self)

    def __str__(self) -> str:
        return self.verdict

    def __repr__(self) -> str:
        """Return how the verdict and the table begin."""
        said = [shorten_line(each) for each in verdict.sentences(self)[:_MOST_SENTENCES]]
        table = table_lines(self.to_frame(), MOST_LINES - len(said))
        return "\n".join([*said, *table])

    def _repr_html_(self) -> str:
        """Return verdict and table as notebooks show them."""
        return paragraphs(verdict.sentences(self)) + table_html(self.to_frame())
