"""An explanation in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmgraph.explain.whole import whole_parts
from mmgraph.system.shown import shorten_line

if TYPE_CHECKING:
    from mmgraph.explain.record import ExplanationRecord, Neighbour

#: Words, areas and columns that are named.
_MOST_PARTS = 5


def headline(explanation: ExplanationRecord) -> str:
    """Return row, output, its probability or value, what is true, and method, as a line."""
    name = explanation.outputs[explanation.target]
    number = explanation.predicted[explanation.target]
    said = f"{number:.1%}" if explanation.has_probabilities else f"{number:.6g}"
    parts = [f"row {explanation.row}: {name} {said}", *_told(explanation)]
    return shorten_line(", ".join([*parts, f"by {explanation.method}"]))


def _told(explanation: ExplanationRecord) -> list[str]:
    """Return what is predicted, where that is something else, and what is true."""
    told, name = [], explanation.outputs[explanation.target]
    if explanation.has_probabilities and explanation.decided not in (None, (name,), [name]):
        told.append(f"predicted {_join(explanation.decided or ())}")
    if explanation.is_right:
        told.append("which is right")
    elif explanation.truth is not None:
        told.append(f"truth {_join(explanation.truth)}")
    return told


def _join(names: Sequence[str | float]) -> str:
    said = [each if isinstance(each, str) else f"{each:.6g}" for each in names]
    return " and ".join(said) or "none"


def describe(explanation: ExplanationRecord) -> str:
    """Return an explanation as a few lines.

    Prediction, parts of the model, sums of the modalities, strongest words and areas, neighbours.
    """
    lines = [headline(explanation)]
    parts = [f"{part} {value:+.3g}" for part, value in explanation.parts.items()]
    if parts:
        lines.append(f"  logit {explanation.value:+.3g}: {', '.join(parts)}")
    sums = [f"{name} {value:+.3g}" for name, value in explanation.modality_scores.items()]
    if sums:
        lines.append(f"  modalities: {', '.join(sums)}")
    pairs = explanation.interactions.items()
    together = [f"{one} with {other} {round(value, 6):+.3g}" for (one, other), value in pairs]
    if together:
        lines.append(f"  interactions: {', '.join(together)}")
    if explanation.changes_to is not None:
        lines.append(f"  without what follows: {explanation.outputs[explanation.changes_to]}")
    strongest = [part for part in whole_parts(explanation)[:_MOST_PARTS] if part.score]
    lines += [f"  {each.modality}: {each.label} {each.score:+.3g}" for each in strongest]
    if explanation.neighbours:
        count = len(explanation.neighbours)
        lines.append(f"  the training rows, of {count} that vote, that changed it most:")
        lines += [f"    {describe_neighbour(each)}" for each in explanation.deciding]
    return "\n".join(map(shorten_line, lines))


def describe_neighbour(neighbour: Neighbour) -> str:
    """Return one training row as a line."""
    texts = [each.text for each in neighbour.inputs if each.text is not None]
    return ", ".join(
        [
            f"row {neighbour.row}: {neighbour.said}",
            f"{neighbour.share:.1%} of the vote",
            f"logit {neighbour.influence:+.3g}",
            *texts,
        ]
    )
