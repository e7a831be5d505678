"""Explanations as what the page's script reads."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from mmgraph.errors import DataError
from mmgraph.explain.among import joined, map_rows, nearest_rows
from mmgraph.explain.clips import outline, to_wav
from mmgraph.explain.packed_edges import add_edges
from mmgraph.explain.record import ExplanationRecord, ItemInput, Neighbour
from mmgraph.explain.schema import to_json
from mmgraph.explain.thumbnails import SMALL_SIDE, to_data_uri
from mmgraph.explain.whole import ShownPart, shown_parts

#: Outputs that are listed with their probabilities, and nearest samples.
_MOST_OUTPUTS, _MOST_NEAREST = 8, 6

#: Nodes are numbered in two bytes.
_MOST_NODES = 2**16

#: Characters of all sounds of a page together; of later clips the outline is drawn alone.
_MOST_SOUND = 8_000_000

#: Pictures that a page embeds; anything else in their place could name another server.
_PICTURE = re.compile(r"data:image/(jpeg|png|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


def pack(explanations: Sequence[ExplanationRecord]) -> dict[str, Any]:
    """Return what the page's script reads: the schema of `Explanation.to_json`, made compact.

    A sample holds what the table of samples shows, `inputs`, and `views`, one for each of its
    explanations. A view's nodes are lists of modality, kind, item, label, box, span, score,
    whether they are inputs, and how many nodes they stand for: words stand for all their pieces.
    Of neighbours only those with the most influence are shown. Pictures, sounds and numbers of
    edges stand in `blobs` and are named by their place there.

    Raises:
        DataError: There are none, or one has more than 65,536 nodes.
    """
    page = _Page()
    for explanation in explanations:
        if len(explanation.nodes) > _MOST_NODES:
            raise DataError(
                f"row {explanation.row}: expected {_MOST_NODES} nodes or fewer for a page, got "
                f"{len(explanation.nodes)}; explain shorter inputs, or use to_json"
            )
        page.add(explanation)
    firsts = [explanation for explanation, _ in page.first.values()]
    samples = [sample for _, sample in page.first.values()]
    axes = _place(firsts, samples)
    add_edges(explanations, page.views, page.blobs)
    return {"samples": samples, "axes": axes, "blobs": list(page.blobs)}


@dataclass
class _Page:
    """What was packed so far.

    Args:
        first: The first explanation of each sample, with what was packed of it.
        views: What was packed of each explanation.
        blobs: Pictures, sounds and numbers, each once, with their places.
    """

    first: dict[str, tuple[ExplanationRecord, dict[str, Any]]] = field(default_factory=dict)
    views: list[dict[str, Any]] = field(default_factory=list)
    blobs: dict[str, int] = field(default_factory=dict)
    _named: dict[str, int] = field(default_factory=dict)
    _pictures: dict[Any, str | None] = field(default_factory=dict)
    _sound: int = 0

    def blob(self, text: str | None) -> int | None:
        """Return the place of a text among the blobs."""
        return None if text is None else self.blobs.setdefault(text, len(self.blobs))

    def add(self, explanation: ExplanationRecord) -> None:
        """Pack an explanation, beside others of the same row."""
        # A table may call two rows the same.
        texts = [(each.modality, each.item, each.text) for each in explanation.inputs]
        key = json.dumps([explanation.row, texts])
        if key not in self.first:
            self.first[key] = (explanation, self._sample(explanation))
        view = self._view(explanation)
        self.first[key][1]["views"].append(view)
        self.views.append(view)

    def _sample(self, explanation: ExplanationRecord) -> dict[str, Any]:
        """Return what the table of samples shows of a row, and its inputs."""
        times = self._named[explanation.row] = self._named.get(explanation.row, 0) + 1
        decided = explanation.decided
        sure = max(explanation.predicted, default=0.0) if explanation.has_probabilities else None
        # A sample of labels is as sure as the label that is decided least surely.
        if explanation.task == "multilabel":
            sure = min((max(p, 1 - p) for p in explanation.predicted), default=0.0)
        return {
            "row": explanation.row,
            "key": explanation.row if times == 1 else f"{explanation.row}~{times}",
            "truth": _said(explanation.truth),
            "decided": _said(decided),
            "confidence": None if sure is None else round(sure, 4),
            "right": explanation.is_right,
            "error": _error(explanation),
            "inputs": [self._input(each) for each in explanation.inputs],
            "views": [],
        }

    def _input(self, item: ItemInput) -> dict[str, Any]:
        picture = item.picture()
        # What came as a data URI stays as it is: compressing it again would blur it.
        image = picture and (item.thumbnail or to_data_uri(picture))
        stills = [self.blob(to_data_uri(still, SMALL_SIDE)) for still in item.stills()]
        return {
            "modality": item.modality,
            "kind": item.kind,
            "item": item.item,
            "text": item.text,
            "image": image if image and _PICTURE.fullmatch(image) else None,
            "stills": stills,
            "sound": self._sound_of(item),
        }

    def _sound_of(self, item: ItemInput) -> dict[str, Any] | None:
        sound = item.sound()
        if sound is None:
            return None
        uri = None
        if 2.7 * len(sound.samples) < _MOST_SOUND - self._sound:
            uri = to_wav(sound)
            self._sound += len(uri)
        seconds = round(len(sound.samples) / sound.rate, 3)
        return {"uri": self.blob(uri), "outline": outline(sound), "seconds": seconds}

    def _view(self, explanation: ExplanationRecord) -> dict[str, Any]:
        alone = replace(explanation, neighbours=(), inputs=(), edges=(), nodes=())
        described = to_json(alone)
        keys = ("method", "task", "value", "base", "signed", "faithfulness", "parts")
        outputs, predicted = described["outputs"], described["predicted"]
        order = sorted(range(len(outputs)), key=lambda place: -predicted[place])
        order = order if explanation.has_probabilities else sorted(order)
        shown = order[:_MOST_OUTPUTS]
        if explanation.target not in shown:
            shown[-1] = explanation.target
        to = explanation.changes_to
        return {
            **{key: described[key] for key in keys},
            "modality_scores": {k: _short(v) for k, v in explanation.modality_scores.items()},
            "target": outputs[explanation.target],
            "outputs": [[outputs[k], predicted[k], k == explanation.target] for k in shown],
            "more": len(outputs) - len(shown),
            "interactions": [
                [" with ".join(each["modalities"]), each["value"]]
                for each in described["interactions"]
            ],
            "changes_to": None if to is None else outputs[to],
            "neighbours": [self._neighbour(each) for each in explanation.deciding],
            "voters": len(explanation.neighbours),
            "nodes": [_part(part) for part in shown_parts(explanation)],
            "edges": [],
        }

    def _neighbour(self, row: Neighbour) -> dict[str, Any]:
        """Return one of the training rows with the most influence."""
        return {
            "row": row.row,
            "said": row.said,
            "share": round(row.share, 4),
            "influence": round(row.influence, 4),
            "texts": [item.text for item in row.inputs if item.text is not None],
            "image": self.blob(self._picture_of(row)),
        }

    def _picture_of(self, row: Neighbour) -> str | None:
        """Return the first picture of a training row, made once for all it voted on."""
        for item in row.inputs:
            key = (item.modality, item.thumbnail or str(item.raw))
            if key not in self._pictures:
                picture = item.picture_if_there()
                uri = None if picture is None else to_data_uri(picture, SMALL_SIDE)
                self._pictures[key] = item.thumbnail or uri
            uri = self._pictures[key]
            if uri and _PICTURE.fullmatch(uri):
                return uri
        return None


def _said(truth: Sequence[str | float] | None) -> list[str] | None:
    if truth is None:
        return None
    return [each if isinstance(each, str) else f"{each:.6g}" for each in truth]


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _error(explanation: ExplanationRecord) -> float | None:
    """Return how far numbers are off, their mean where there are several."""
    truth, decided = explanation.truth, explanation.decided
    if explanation.has_probabilities or truth is None or decided is None:
        return None
    pairs = zip(truth, decided, strict=True)
    return _short(float(np.mean([abs(float(one) - float(other)) for one, other in pairs])))


def _part(part: ShownPart) -> list[Any]:
    node, (box, span) = part.first, (part.place.box, part.place.span)
    return [
        *(node.modality, node.kind, node.item, part.place.label),
        box and [_short(side) for side in box],
        # Ends of spans in long texts have more than five digits.
        span and [round(end, 4) for end in span],
        *(_short(part.score), node.is_input, part.count),
    ]


def _place(
    explanations: Sequence[ExplanationRecord], samples: Sequence[dict[str, Any]]
) -> list[str] | None:
    """Give each sample its point on the map and its nearest ones; returns what the axes are."""
    vectors = joined([each.vector for each in explanations])
    found = None if vectors is None else map_rows(vectors)
    if vectors is None or found is None:
        return None
    points, axes = found
    low, high = points.min(0), points.max(0)
    points = (points - low) / np.maximum(high - low, 1e-12)
    near = nearest_rows(vectors, _MOST_NEAREST)
    for sample, point, others in zip(samples, points.tolist(), near.tolist(), strict=True):
        sample |= {"point": [round(each, 4) for each in point], "near": others}
    return list(axes)
