"""The training rows that decided: who they are, what they said, and what they changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from mmgraph.data.known_rows import KnownRows
from mmgraph.explain.record import ItemInput, Neighbour
from mmgraph.explain.units import Sample
from mmgraph.modalities.base import Modality


def neighbours_of(
    sample: Sample, target: int, outputs: Sequence[str], known: KnownRows | None
) -> list[Neighbour]:
    """Return the training rows that voted on a row, the nearest first.

    Args:
        sample: The row.
        target: Which output is explained.
        outputs: Names of the outputs.
        known: What is kept of the training rows; None: they are named by their places.
    """
    vote = sample.vote
    if vote is None:
        return []
    neighbours = sample.model.neighbours
    assert neighbours is not None
    influence = vote.influence[:, target].tolist()
    shares = vote.share.tolist()
    return [
        Neighbour(
            row=_name(known, row, int(neighbours.place[row])),
            truth=_truth(sample, row, outputs),
            share=share,
            influence=changed,
            inputs=_inputs(sample.modalities, known, row),
        )
        for row, share, changed in zip(vote.row.tolist(), shares, influence, strict=True)
        if share > 0
    ]


def _name(known: KnownRows | None, row: int, place: int) -> str:
    return known.names[row] if known is not None and row < len(known) else str(place)


def _truth(sample: Sample, row: int, outputs: Sequence[str]) -> list[str | float]:
    """Return the class or the labels of a training row, or its numbers in their units."""
    neighbours, task = sample.model.neighbours, sample.model.task
    assert neighbours is not None
    said = neighbours.said(torch.tensor([[row]]))[0]
    if not task.has_probabilities:
        return list(map(float, task.activate(said)[0]))
    return [str(outputs[place]) for place in said[0].nonzero()[:, 0].tolist()]


def _inputs(
    modalities: Mapping[str, Modality], known: KnownRows | None, row: int
) -> list[ItemInput]:
    if known is None or row >= len(known):
        return []
    inputs = []
    for name, modality in modalities.items():
        text, path = known.text(name, row), known.picture(modality, row)
        if text is not None or path is not None:
            inputs.append(ItemInput(name, modality.kind, 0, text, path, modality))
    return inputs
