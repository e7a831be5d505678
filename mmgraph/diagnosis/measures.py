"""What was measured of a model: numbers with their standard errors."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One number of a diagnosis.

    Args:
        name: What was measured, see `Measures`.
        modality: The modality it is about, None for the whole model.
        value: The score, or difference of scores, in the score's own unit.
        error: Standard error of the value, by bootstrap over the rows.
        rows: Number of rows it was measured on.
    """

    name: str
    modality: str | None
    value: float
    error: float
    rows: int

    @property
    def is_clear(self) -> bool:
        """Whether the value differs from 0 by more than two standard errors."""
        return abs(self.value) > 2 * self.error


@dataclass(frozen=True)
class Measures:
    """The numbers of a diagnosis, by name and modality.

    Measures of the whole model (scores, unless called a loss or a difference):

    | name | meaning |
    |---|---|
    | score | the model as it is |
    | nothing | all modalities hidden: the prior of the training rows |
    | linear_model | the linear model beside the fusion, by itself |
    | vote | the vote of the nearest training rows, by itself |
    | fused_part | the fusion with its head, by itself |
    | linear_removed | loss without the linear model of all modalities together |
    | neighbours_removed | loss without the vote of the nearest training rows |
    | linked_targets_removed | loss without the known targets of linked rows |
    | graph_removed | loss without the fusion and its head |
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
    | own_removed | loss without the linear model that it has for itself |

    A part is removed by a weight of 0; the weights of the others stay. Parts that have none, and
    the only one, are not measured.

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
