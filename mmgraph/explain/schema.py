"""Explanations as JSON, from which pages and other programs draw.

    {
      "format": "mmgraph explanation",
      "version": 1,
      "row": "17",                      what the table calls the row
      "method": "occlusion",
      "task": "multiclass",             or "multilabel", "regression"
      "outputs": ["animals", "tools"],  names of the outputs
      "predicted": [0.9, 0.1],          probability of each; for "regression" the values
      "target": 0,                      which output is explained
      "value": 2.31,                    its logit, which the scores explain
      "base": -0.2,                     the logit without inputs; null unless scores sum to
                                        value - base
      "signed": true,                   negative scores speak against the target
      "nodes": [                        modality by modality, then by item and index
        {
          "modality": "image",          node type
          "kind": "image",              "image", "text", "audio", "video", "column", "vector"
          "item": 0,                    which image or text of the row
          "index": 3,                   which node of the item
          "label": "row 1, column 4",   the token, "age = 30", "0.40 to 0.44 s"
          "box": [0.6, 0.0, 0.8, 0.2],  left, top, right, bottom as fractions of the picture;
                                        null where it is no region
          "span": null,                 [start, end] in characters of the text, or in seconds
          "score": 0.12,
          "is_input": true              false: stands for no input, as a learnt node does
        }
      ],
      "edges": [                        one entry for each relation and layer
        {
          "relation": ["image", "to", "text"],   source type, name, target type
          "layer": 0,                   from 0; null: all layers together
          "source": [0, 1],             positions in "nodes", one for each edge
          "target": [25, 25],
          "weight": [[0.5, 0.1], [0.5, 0.9]]     for each edge, a number for each head
        }
      ],
      "inputs": [                       one entry for each item, missing ones are not there
        {
          "modality": "text",
          "kind": "text",
          "item": 0,
          "text": "A red cat",          which spans count in; null where it is no text
          "image": null                 the picture as data URI (JPEG or PNG), null without
        }
      ],
      "modality_scores": {"image": 0.4, "text": 1.0},   sums of the nodes' scores
      "faithfulness": {"deletion": 0.2, "deletion_random": 0.5},  by metric, or null
      "parts": {"linear": 1.1, "neighbours": 0.9, "graph": 0.31},   they sum to the value; none
                                        where the row has no input
      "neighbours": [                   the training rows that voted, the nearest first
        {
          "row": "1207",                what its table calls it
          "truth": ["animals"],         its class, labels or numbers
          "share": 0.08,                its share of the vote
          "influence": 0.05,            what the explained logit would lose without it
          "inputs": [...]               as above, texts cut short; only of the five with the
                                        largest influence
        }
      ],
      "interactions": [                 what two modalities say together beyond what each says
        {"modalities": ["image", "text"], "value": 0.1}
      ],
      "changes_to": null,               which output is predicted without the nodes with scores
      "truth": ["animals"],             the class, the labels or the numbers; null: not known
      "decided": ["animals"]            the same as predicted
    }

Numbers are rounded to five digits, weights of edges to four.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmgraph.errors import DataError
from mmgraph.explain.record import (
    EdgeScores,
    ExplanationRecord,
    ItemInput,
    Neighbour,
    NodeScore,
)
from mmgraph.explain.thumbnails import SIDE, SMALL_SIDE, to_data_uri
from mmgraph.modalities.base import Place

if TYPE_CHECKING:
    from PIL import Image as PILImage

FORMAT, VERSION = "mmgraph explanation", 1


def to_json(explanation: ExplanationRecord, *, pictures: bool = True) -> dict[str, Any]:
    """Return an explanation as dicts, lists, text and numbers.

    Args:
        explanation: The explanation.
        pictures: Embed thumbnails of the images.
    """
    faithfulness = explanation.faithfulness
    return {
        "format": FORMAT,
        "version": VERSION,
        "row": explanation.row,
        "method": explanation.method,
        "task": explanation.task,
        "outputs": list(explanation.outputs),
        "predicted": [_short(value) for value in explanation.predicted],
        "target": explanation.target,
        "value": _short(explanation.value),
        "base": None if explanation.base is None else _short(explanation.base),
        "signed": explanation.signed,
        "nodes": [_node(node) for node in explanation.nodes],
        "edges": [_edges(edges) for edges in explanation.edges],
        "inputs": [
            _input(each, each.picture() if pictures else None) for each in explanation.inputs
        ],
        "modality_scores": {k: _short(v) for k, v in explanation.modality_scores.items()},
        "faithfulness": faithfulness and {k: _short(v) for k, v in faithfulness.items()},
        "parts": {k: _short(v) for k, v in explanation.parts.items()},
        "neighbours": _neighbours(explanation, pictures),
        "interactions": [
            {"modalities": list(pair), "value": _short(value)}
            for pair, value in explanation.interactions.items()
        ],
        "changes_to": explanation.changes_to,
        "truth": _said(explanation.truth),
        "decided": _said(explanation.decided),
    }


def _short(value: float) -> float:
    return float(f"{value:.5g}")


def _node(node: NodeScore) -> dict[str, Any]:
    box, span = node.place.box, node.place.span
    return {
        "modality": node.modality,
        "kind": node.kind,
        "item": node.item,
        "index": node.index,
        "label": node.place.label,
        "box": box and [_short(side) for side in box],
        # Ends of spans in long texts have more than five digits.
        "span": span and [round(end, 4) for end in span],
        "score": _short(node.score),
        "is_input": node.is_input,
    }


def _edges(edges: EdgeScores) -> dict[str, Any]:
    return {
        "relation": list(edges.relation),
        "layer": edges.layer,
        "source": edges.source.tolist(),
        "target": edges.target.tolist(),
        "weight": edges.weight.astype(np.float64).round(4).tolist(),
    }


def _neighbours(explanation: ExplanationRecord, pictures: bool) -> list[dict[str, Any]]:
    shown = explanation.deciding
    return [
        {
            "row": each.row,
            "truth": _said(each.truth),
            "share": _short(each.share),
            "influence": _short(each.influence),
            "inputs": [
                _input(item, item.picture_if_there() if pictures else None, SMALL_SIDE)
                for item in each.inputs
                if any(each is one for one in shown)
            ],
        }
        for each in explanation.neighbours
    ]


def _said(truth: Sequence[str | float] | None) -> list[str | float] | None:
    if truth is None:
        return None
    return [said if isinstance(said, str) else _exact(said) for said in truth]


def _exact(number: float) -> float:
    """Return a number of the training table, of which no digit is left out."""
    return float(f"{number:.15g}")


def _input(item: ItemInput, picture: PILImage.Image | None, side: int = SIDE) -> dict[str, Any]:
    return {
        "modality": item.modality,
        "kind": item.kind,
        "item": item.item,
        "text": item.text,
        # What came as a data URI stays as it is: compressing it again would blur it.
        "image": picture and (item.thumbnail or to_data_uri(picture, side)),
    }


def read_json(source: dict[str, Any] | str | Path) -> ExplanationRecord:
    """Return the explanation of a dict that `to_json` returned, or of a file with it.

    Raises:
        DataError: It is none, or of a later version.
    """
    described, name = source, "this dict"
    if not isinstance(source, dict):
        name = str(source)
        try:
            described = json.loads(Path(source).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(
                f"{name}: expected a file that Explanation.to_json wrote, but it cannot be read "
                f"({error}); correct the path, or write it again"
            ) from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise DataError(
            f'{name}: expected an explanation, with "format": "{FORMAT}"; write one with '
            "Explanation.to_json"
        )
    if described.get("version") != VERSION:
        raise DataError(
            f"{name}: expected version {VERSION} of the format, got "
            f"{described.get('version')}; read it with the mmgraph that wrote it"
        )
    try:
        return _from_json(described)
    except (KeyError, TypeError, ValueError) as error:
        reason = f"lacks {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{name}: is no whole explanation ({reason}); write it again") from error


def _from_json(described: dict[str, Any]) -> ExplanationRecord:
    base, faithfulness = described["base"], described["faithfulness"]
    return ExplanationRecord(
        row=described["row"],
        method=described["method"],
        task=described["task"],
        outputs=list(described["outputs"]),
        predicted=[float(value) for value in described["predicted"]],
        target=described["target"],
        value=float(described["value"]),
        base=None if base is None else float(base),
        signed=described["signed"],
        nodes=[_read_node(node) for node in described["nodes"]],
        edges=[_read_edges(edges) for edges in described["edges"]],
        inputs=[_read_input(each) for each in described["inputs"]],
        faithfulness=faithfulness and {k: float(v) for k, v in faithfulness.items()},
        # Explanations of before there were neighbours have none.
        parts={k: float(v) for k, v in described.get("parts", {}).items()},
        neighbours=[_read_neighbour(each) for each in described.get("neighbours", [])],
        interactions=dict(map(_read_interaction, described.get("interactions", []))),
        changes_to=described.get("changes_to"),
        truth=described.get("truth"),
        decided=described.get("decided"),
    )


def _read_node(node: dict[str, Any]) -> NodeScore:
    box, span = node["box"], node["span"]
    place = Place(
        node["label"],
        box=box and tuple(map(float, box)),
        span=span and tuple(map(float, span)),
    )
    return NodeScore(
        modality=node["modality"],
        kind=node["kind"],
        item=node["item"],
        index=node["index"],
        place=place,
        score=float(node["score"]),
        is_input=node["is_input"],
    )


def _read_edges(edges: dict[str, Any]) -> EdgeScores:
    source, weight = edges["source"], edges["weight"]
    source_name, name, target_name = edges["relation"]
    return EdgeScores(
        relation=(source_name, name, target_name),
        layer=edges["layer"],
        source=np.array(source, dtype=np.int64),
        target=np.array(edges["target"], dtype=np.int64),
        # No edges at all would leave the number of heads open.
        weight=np.array(weight or [[]], dtype=np.float32).reshape(len(source), -1 if source else 1),
    )


def _read_neighbour(neighbour: dict[str, Any]) -> Neighbour:
    return Neighbour(
        row=neighbour["row"],
        truth=list(neighbour["truth"]),
        share=float(neighbour["share"]),
        influence=float(neighbour["influence"]),
        inputs=[_read_input(each) for each in neighbour["inputs"]],
    )


def _read_interaction(described: dict[str, Any]) -> tuple[tuple[str, str], float]:
    one, other = described["modalities"]
    return (one, other), float(described["value"])


def _read_input(item: dict[str, Any]) -> ItemInput:
    return ItemInput(
        modality=item["modality"],
        kind=item["kind"],
        item=item["item"],
        text=item["text"],
        thumbnail=item["image"],
    )
