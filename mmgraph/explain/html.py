"""One page that shows explanations, in one file: hover over a word to see what it attends to."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mmgraph.errors import DataError
from mmgraph.explain.record import EdgeScores, ExplanationRecord, Neighbour
from mmgraph.explain.schema import to_json
from mmgraph.explain.thumbnails import SMALL_SIDE, to_data_uri
from mmgraph.system.atomic import written_at_once

#: Outputs that are listed with their probabilities.
_MOST_OUTPUTS = 8

#: Nodes are numbered in two bytes.
_MOST_NODES = 2**16

#: Pictures that a page embeds; anything else in their place could name another server.
_PICTURE = re.compile(r"data:image/(jpeg|png|webp|gif);base64,[A-Za-z0-9+/]+={0,2}")


def to_html(
    explanations: ExplanationRecord | Sequence[ExplanationRecord], path: str | Path
) -> None:
    """Write a page that shows explanations and needs nothing but a browser.

    Explanations of one row, by several methods or of several classes, are put together. Weights
    of edges are rounded to 256 steps, and pictures are thumbnails.

    Args:
        explanations: One, or several.
        path: The file to write.

    Raises:
        DataError: There are none, or one has more than 65,536 nodes.
    """
    with written_at_once(Path(path)) as draft:
        draft.write_text(make_page(explanations), "utf-8", errors="backslashreplace")


def make_page(explanations: ExplanationRecord | Sequence[ExplanationRecord]) -> str:
    """Return the page that `to_html` writes.

    Raises:
        DataError: There are none, or one has more than 65,536 nodes.
    """
    if isinstance(explanations, ExplanationRecord):
        explanations = [explanations]
    if not explanations:
        raise DataError("expected one explanation or more for a page, got none")
    template, style, script = (_read(f"explorer.{kind}") for kind in ("html", "css", "js"))
    data = json.dumps(
        pack(explanations), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    # Texts come from anywhere: without "<" none can end the element or begin another one. The
    # page's policy also lets no script run but its own.
    data = data.replace("<", r"\u003c")
    for mark, value in (
        ("{{style hash}}", _hash(style)),
        ("{{script hash}}", _hash(script)),
        ("{{style}}", style),
        ("{{script}}", script),
        ("{{data}}", data),
    ):
        template = template.replace(mark, value, 1)
    return template


def make_frame(explanations: ExplanationRecord | Sequence[ExplanationRecord]) -> str:
    """Return the page within an element that a notebook can show."""
    page = html.escape(make_page(explanations), quote=True)
    return (
        f'<iframe srcdoc="{page}" sandbox="allow-scripts" title="explanation" '
        'style="width: 100%; height: 640px; border: 0"></iframe>'
    )


def pack(explanations: Sequence[ExplanationRecord]) -> dict[str, Any]:
    """Return what the page's script reads: the schema of `Explanation.to_json`, made compact.

    A sample holds `row`, `inputs` and `views`, one for each of its explanations. A view's nodes
    are lists of modality, kind, item, label, box, span, score and whether they are inputs; of its
    neighbours only those with the most influence are shown, with the number of their picture in
    `blobs`. Its edges name their `source`, `target` and `weight` by number there: base64 of
    little-endian uint16, uint16 and uint8, where a weight w stands for low + w / 255 (high - low).
    """
    blobs: dict[str, int] = {}
    pictures = _Pictures()
    samples: dict[str, dict[str, Any]] = {}
    for explanation in explanations:
        if len(explanation.nodes) > _MOST_NODES:
            raise DataError(
                f"row {explanation.row}: expected {_MOST_NODES} nodes or fewer for a page, got "
                f"{len(explanation.nodes)}; explain shorter inputs, or use to_json"
            )
        # A table may call two rows the same.
        texts = [(each.modality, each.item, each.text) for each in explanation.inputs]
        key = json.dumps([explanation.row, texts])
        # A picture is embedded once, however many explanations show it.
        alone = replace(explanation, neighbours=())
        described = to_json(alone, pictures=key not in samples)
        if key not in samples:
            inputs = [_safe(each) for each in described["inputs"]]
            samples[key] = {"row": explanation.row, "inputs": inputs, "views": []}
        samples[key]["views"].append(_view(explanation, described, blobs, pictures))
    return {"samples": list(samples.values()), "blobs": list(blobs)}


def _safe(item: dict[str, Any]) -> dict[str, Any]:
    """Return an input without a picture that is not embedded."""
    image = item["image"]
    return {**item, "image": image if image and _PICTURE.fullmatch(image) else None}


def _view(
    explanation: ExplanationRecord,
    described: dict[str, Any],
    blobs: dict[str, int],
    pictures: _Pictures,
) -> dict[str, Any]:
    keys = ("method", "task", "value", "base", "signed", "modality_scores", "faithfulness", "parts")
    outputs, predicted = described["outputs"], described["predicted"]
    order = sorted(range(len(outputs)), key=lambda place: -predicted[place])
    order = order if explanation.has_probabilities else sorted(order)
    shown = order[:_MOST_OUTPUTS]
    if explanation.target not in shown:
        shown[-1] = explanation.target
    return {
        **{key: described[key] for key in keys},
        "target": outputs[explanation.target],
        "outputs": [[outputs[k], predicted[k], k == explanation.target] for k in shown],
        "more": len(outputs) - len(shown),
        "interactions": [
            [" with ".join(each["modalities"]), each["value"]] for each in described["interactions"]
        ],
        "changes_to": None if explanation.changes_to is None else outputs[explanation.changes_to],
        "neighbours": _neighbours(explanation, pictures, blobs),
        "voters": len(explanation.neighbours),
        "nodes": [
            [
                *(node["modality"], node["kind"], node["item"], node["label"]),
                *(node["box"], node["span"], node["score"], node["is_input"]),
            ]
            for node in described["nodes"]
        ],
        "edges": [_edges(edges, blobs) for edges in explanation.edges],
    }


class _Pictures(dict[Any, str | None]):
    """Small pictures of training rows by where they came from, each made once."""

    def of(self, neighbour: Neighbour) -> str | None:
        """Return the first picture of a row."""
        for item in neighbour.inputs:
            key = (item.modality, item.thumbnail or str(item.raw))
            if key not in self:
                picture = item.picture_if_there()
                uri = None if picture is None else to_data_uri(picture, SMALL_SIDE)
                self[key] = item.thumbnail or uri
            uri = self[key]
            if uri and _PICTURE.fullmatch(uri):
                return uri
        return None


def _neighbours(
    explanation: ExplanationRecord, pictures: _Pictures, blobs: dict[str, int]
) -> list[dict[str, Any]]:
    """Return the training rows that are shown, those with the most influence first."""
    shown = []
    for each in explanation.deciding:
        uri = pictures.of(each)
        shown.append(
            {
                "row": each.row,
                "said": each.said,
                "share": round(each.share, 4),
                "influence": round(each.influence, 4),
                "texts": [item.text for item in each.inputs if item.text is not None],
                "image": None if uri is None else blobs.setdefault(uri, len(blobs)),
            }
        )
    return shown


def _edges(edges: EdgeScores, blobs: dict[str, int]) -> dict[str, Any]:
    low, high, weight = quantise(edges.weight)
    parts = {
        "source": edges.source.astype("<u2"),
        "target": edges.target.astype("<u2"),
        "weight": weight,
    }
    encoded = {name: base64.b64encode(part.tobytes()).decode() for name, part in parts.items()}
    return {
        "relation": list(edges.relation),
        "layer": edges.layer,
        "heads": edges.weight.shape[1],
        "low": low,
        "high": high,
        # Layers share their edges, and methods their weights: each is written once.
        **{name: blobs.setdefault(blob, len(blobs)) for name, blob in encoded.items()},
    }


def quantise(
    weight: Float[np.ndarray, "edges heads"],
) -> tuple[float, float, np.ndarray]:
    """Return the range of weights and where in it each lies, in 256 steps.

    Example:
        >>> quantise(np.array([[0.0, 0.5], [1.0, 0.25]]))[2].tolist()
        [[0, 128], [255, 64]]
    """
    low = min(0.0, float(weight.min(initial=0.0)))
    high = float(weight.max(initial=0.0))
    share = (weight - low) / ((high - low) or 1.0)
    return low, high, np.round(255 * share).astype(np.uint8)


def _read(name: str) -> str:
    return files("mmgraph.explain").joinpath(name).read_text("utf-8")


def _hash(code: str) -> str:
    """Return the hash by which the page's policy knows its own code."""
    return base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
