"""What a diagnosis found: numbers with standard errors, as a table, a picture and words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mmgraph.diagnosis import verdict
from mmgraph.diagnosis.measures import Measure

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Diagnosis:
    """How much a fitted model owes to each modality, to interaction and to cross-modal edges.

    Measures of the whole model (scores, unless called a loss or a difference):

    | name | meaning |
    |---|---|
    | score | the model as it is |
    | nothing | all modalities hidden: the prior of the training rows |
    | linear_model | the linear model beside the fusion, by itself |
    | fused_part | the fusion with its head, by itself |
    | emap_rows | the model on the rows of the projection |
    | emap | the additive projection on these rows |
    | interaction | difference of these two: what no linear model of the modalities does |
    | edges_removed | loss without any edge between modalities, weights unchanged |
    | edges_shuffled | loss where the edges between modalities run to another row |

    Measures of one modality:

    | name | meaning |
    |---|---|
    | alone | the score with all others hidden |
    | lead | difference of the model and this modality alone |
    | hidden | loss where this modality is hidden |
    | permuted | loss where this modality comes from another row |
    | shapley | its Shapley value; they sum to score - nothing |

    Args:
        score_name: Name of the score.
        is_share: Whether the score is a share of rows, told in points (hundredths).
        modalities: The modalities.
        measures: The numbers.
    """

    score_name: str
    is_share: bool
    modalities: tuple[str, ...]
    measures: tuple[Measure, ...]

    def find(self, name: str, modality: str | None = None) -> Measure | None:
        """Return a measure, or None where it was not taken."""
        for measure in self.measures:
            if (measure.name, measure.modality) == (name, modality):
                return measure
        return None

    def get(self, name: str, modality: str | None = None) -> Measure:
        """Return a measure.

        Raises:
            KeyError: It was not taken.
        """
        measure = self.find(name, modality)
        if measure is None:
            taken = sorted({each.name for each in self.measures})
            raise KeyError(f"no measure {name!r} of {modality or 'the model'}; there are {taken}")
        return measure

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
            Path(path).write_text(text, "utf-8")
        return text

    def plot(self) -> Figure:
        """Draw modalities, interaction and edges on one page, the verdict below."""
        from mmgraph.diagnosis.pictures import plot_diagnosis

        return plot_diagnosis(self)

    def __str__(self) -> str:
        return self.verdict
