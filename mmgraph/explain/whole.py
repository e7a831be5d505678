"""What people call the parts of an input: whole words instead of pieces, areas of a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from mmgraph.modalities.base import Place
from mmgraph.modalities.tokens.stop_words import UNSPACED_WORD, WORD

if TYPE_CHECKING:
    from mmgraph.explain.record import ExplanationRecord, NodeScore

_ROWS, _COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")


@dataclass(frozen=True)
class WholePart:
    """A word, an area of a picture, or a node of anything else.

    Args:
        modality: Its node type.
        label: What to call it.
        score: Sum of its nodes' scores.
    """

    modality: str
    label: str
    score: float


@dataclass(frozen=True)
class ShownPart:
    """What pages and pictures shade as one: a whole word, a region, or any other node.

    Args:
        first: The first of its nodes; all share modality, kind and item.
        count: How many nodes, one behind the other, it has.
        place: Where it lies.
        score: Sum of its nodes' scores.
    """

    first: NodeScore
    count: int
    place: Place
    score: float


def shown_parts(explanation: ExplanationRecord) -> list[ShownPart]:
    """Return all nodes in their order, those of a word as one."""
    texts = {(each.modality, each.item): each.text for each in explanation.inputs}
    parts: list[ShownPart] = []
    for key, group in groupby(explanation.nodes, key=lambda node: (node.modality, node.item)):
        nodes, text = list(group), texts.get(key)
        if text is not None and all(node.place.span for node in nodes):
            parts += (_shown(label, pieces) for label, pieces in _words(nodes, text))
        else:
            parts += (_shown(node.place.label, [node]) for node in nodes)
    return parts


def largest_score(parts: Sequence[ShownPart]) -> float:
    """Return the score of the full colour, one for all modalities."""
    return max((abs(part.score) for part in parts), default=0.0) or 1.0


def _shown(label: str, nodes: Sequence[NodeScore]) -> ShownPart:
    first, last = nodes[0], nodes[-1]
    place = first.place
    if len(nodes) > 1 and place.span is not None and last.place.span is not None:
        place = Place(label, span=(place.span[0], last.place.span[1]))
    elif place.label != label:
        place = Place(label, place.box, place.span)
    return ShownPart(first, len(nodes), place, sum(node.score for node in nodes))


def whole_parts(explanation: ExplanationRecord) -> list[WholePart]:
    """Return the parts of a row with the sums of their nodes' scores, largest first."""
    texts = {(each.modality, each.item): each.text for each in explanation.inputs}
    parts: list[WholePart] = []
    for key, group in groupby(explanation.nodes, key=lambda node: (node.modality, node.item)):
        nodes, text = list(group), texts.get(key)
        # Where a row has several items, areas and words of each are called by its number.
        name = key[0] if not key[1] else f"{key[0]} {key[1] + 1}"
        if text is not None and all(node.place.span for node in nodes):
            parts += (
                WholePart(name, label, sum(piece.score for piece in pieces))
                for label, pieces in _words(nodes, text)
            )
        elif all(node.place.box for node in nodes):
            parts += (WholePart(name, *each) for each in _areas(nodes))
        else:
            parts += (WholePart(name, node.place.label, node.score) for node in nodes)
    return sorted(parts, key=lambda each: -abs(each.score))


def _words(nodes: Sequence[NodeScore], text: str) -> Iterator[tuple[str, list[NodeScore]]]:
    """Yield words with their pieces; scripts without spaces keep the pieces."""
    word_of: dict[int, int] = {}
    for number, found in enumerate(WORD.finditer(text)):
        if not UNSPACED_WORD.search(found[0]):
            word_of |= dict.fromkeys(range(*found.span()), number)
    for word, group in groupby(enumerate(nodes), key=lambda pair: _word(pair, word_of)):
        pieces = [node for _, node in group]
        spans = [piece.place.span for piece in pieces if piece.place.span is not None]
        start, end = int(spans[0][0]), int(spans[-1][1])
        label = text[start:end].strip() if word >= 0 else pieces[0].place.label
        yield label, pieces


def _word(pair: tuple[int, NodeScore], word_of: dict[int, int]) -> int:
    """Return the number of a piece's word; one of its own, below 0, where it is in none."""
    number, node = pair
    assert node.place.span is not None
    start, end = (int(side) for side in node.place.span)
    inside = [word_of[place] for place in range(start, end) if place in word_of]
    return inside[0] if inside else -1 - number


def _areas(nodes: Sequence[NodeScore]) -> Iterator[tuple[str, float]]:
    """Yield the ninths of a picture with the scores of the regions whose centre they hold."""
    total: dict[str, float] = {}
    for node in nodes:
        assert node.place.box is not None
        name = area(*node.place.box)
        total[name] = total.get(name, 0.0) + node.score
    yield from total.items()


def area(left: float, top: float, right: float, bottom: float) -> str:
    """Return where the centre of a box lies.

    Example:
        >>> area(0.0, 0.4, 0.2, 0.6), area(0.4, 0.4, 0.6, 0.6), area(0.8, 0.0, 1.0, 0.2)
        ('middle left', 'centre', 'top right')
    """
    row = _ROWS[min(int(3 * (top + bottom) / 2), 2)]
    column = _COLUMNS[min(int(3 * (left + right) / 2), 2)]
    return "centre" if (row, column) == ("middle", "centre") else f"{row} {column}"
