"""A sample's graph: regions in place on the image, tokens in reading order, edges by weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mmgraph.errors import DataError
from mmgraph.explain.whole import ShownPart, largest_score, shown_parts
from mmgraph.plot.style import BLUE, COLORS, RED, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmgraph.explain.record import ExplanationRecord, ItemInput
    from mmgraph.typing import EdgeType

#: Inches: of the whole page, of pictures on its left, and of a line of tokens.
_WIDTH, _PICTURE, _LINE = 12.0, 4.4, 0.52
_FONT = 9.0
#: Of longer items, such as long clips, only the nodes with the largest scores are drawn.
_MOST_NODES = 80
_STYLES: tuple[Literal["-", "--", "-.", ":"], ...] = ("-", "--", "-.", ":")


@dataclass(frozen=True)
class _Spot:
    """Where a node is drawn, in inches; a region has no height, for edges end in its middle."""

    x: float
    y: float
    half_height: float = 0.0


def plot_graph(
    explanation: ExplanationRecord,
    *,
    relations: Sequence[EdgeType] | None = None,
    layer: int | None = None,
    most: int = 12,
) -> Figure:
    """Draw the graph of an explained sample, its nodes shaded by their scores.

    Regions are dots on their image; whole words and all other nodes stand in lines next to it.
    Edges are arrows from the node that is received to the one that receives its messages; the
    wider, the larger the weight (mean over heads) is against the even one, 1/n of a node that
    receives n. Those are drawn that are large against even ones and join nodes of large scores.

    Args:
        explanation: The explanation, see `mmgraph.explain`.
        relations: Which relations to draw; None: all.
        layer: Which layer's weights; None: their mean over the layers.
        most: Edges of each relation that are drawn.

    Raises:
        DataError: The explanation has no such relation or layer.
    """
    from mmgraph.plot.figure import ShownFigure

    weights = _weights(explanation, relations, layer)
    parts = shown_parts(explanation)
    figure = ShownFigure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    pictured, listed = _items(explanation, parts)
    spots: dict[int, _Spot] = {}
    below = max(
        _draw_pictures(pictured, parts, axes, spots),
        _draw_lists(listed, parts, axes, spots, left=_PICTURE + 1.0 if pictured else 0.0),
    )
    _draw_edges(weights, most, axes, spots, parts)
    # One unit of the axes is one inch, so that words have the width they were measured to have.
    margin, under = 0.15, 0.3 + 0.2 * len(weights)
    width, height = _WIDTH + 2 * margin, below + under + 0.6
    figure.set_size_inches(width, height)
    axes.set_position((margin / width, under / height, _WIDTH / width, below / height))
    axes.set(xlim=(0, _WIDTH), ylim=(below, 0), aspect="auto")
    name = shorten(explanation.outputs[explanation.target], 40)
    number = explanation.predicted[explanation.target]
    said = f"{number:.0%}" if explanation.has_probabilities else f"{number:.4g}"
    axes.set_title(f"row {shorten(explanation.row, 40)}, {name} {said}: {explanation.method}")
    return figure


_Weights = dict[tuple[str, str, str], dict[tuple[int, int], float]]
_Items = list[tuple["ItemInput | None", list[int]]]


def _weights(
    explanation: ExplanationRecord, relations: Sequence[EdgeType] | None, layer: int | None
) -> _Weights:
    """Return the weight of each edge of each relation, mean over heads and layers."""
    known = list(dict.fromkeys(edges.relation for edges in explanation.edges))
    for relation in relations or ():
        if relation not in known:
            raise DataError(f"expected relations among {known}, got {relation}")
    layers = sorted({each.layer for each in explanation.edges if each.layer is not None})
    if layer is not None and layer not in layers:
        raise DataError(f"expected one of the layers {layers}, got {layer}")
    wanted = known if relations is None else relations
    result: _Weights = {}
    for relation in wanted:
        parts = [
            each
            for each in explanation.edges
            if each.relation == relation and layer in (None, each.layer)
        ]
        mean: dict[tuple[int, int], float] = {}
        for edges in parts:
            ends = zip(edges.source.tolist(), edges.target.tolist(), strict=True)
            for pair, weight in zip(ends, edges.weight.mean(1).tolist(), strict=True):
                mean[pair] = mean.get(pair, 0.0) + weight / len(parts)
        result[relation] = mean
    return result


def _items(explanation: ExplanationRecord, parts: Sequence[ShownPart]) -> tuple[_Items, _Items]:
    """Return the parts of each item, those on a picture and those to list."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number, part in enumerate(parts):
        groups.setdefault((part.first.modality, part.first.item), []).append(number)
    inputs = {(each.modality, each.item): each for each in explanation.inputs}
    pictured: _Items = []
    listed: _Items = []
    for key, numbers in groups.items():
        item = inputs.get(key)
        boxes = all(parts[number].place.box for number in numbers)
        has_picture = boxes and item is not None and item.picture() is not None
        (pictured if has_picture else listed).append((item, numbers))
    return pictured, listed


def _draw_pictures(
    items: _Items, parts: Sequence[ShownPart], axes: Axes, spots: dict[int, _Spot]
) -> float:
    """Draw pictures one above the other with their regions, and return where they end."""
    from matplotlib.patches import Rectangle

    top = 0.0
    for item, numbers in items:
        assert item is not None
        picture = item.picture()
        assert picture is not None
        first = parts[numbers[0]]
        axes.text(0, top + 0.2, _title(first, parts), fontsize=_FONT, weight="bold")
        top += 0.3
        height = _PICTURE * picture.height / picture.width
        axes.imshow(picture, extent=(0, _PICTURE, top + height, top), zorder=0)
        for number in numbers:
            node = parts[number]
            assert node.place.box is not None
            left, upper, right, lower = node.place.box
            size = ((right - left) * _PICTURE, (lower - upper) * height)
            corner = (left * _PICTURE, top + upper * height)
            region = Rectangle(corner, *size, fill=False, edgecolor="#999999", linewidth=0.6)
            region.set_alpha(0.6)
            axes.add_patch(region)
            spots[number] = _Spot(corner[0] + size[0] / 2, corner[1] + size[1] / 2)
            dot = axes.scatter(spots[number].x, spots[number].y, 34, zorder=3)
            dot.set(facecolor=_shade(node, parts), edgecolor="black", linewidth=0.7)
        top += height + 0.2
    return top


def _draw_lists(
    items: _Items,
    parts: Sequence[ShownPart],
    axes: Axes,
    spots: dict[int, _Spot],
    *,
    left: float,
) -> float:
    """Draw nodes as words in lines, and return where they end."""
    top = 0.0
    for _, numbers in items:
        shown = _largest(numbers, parts)
        title = _title(parts[numbers[0]], parts)
        if len(shown) < len(numbers):
            title += f" ({len(shown)} of {len(numbers)} nodes)"
        above = axes.text(left, top + 0.2, title, fontsize=_FONT, weight="bold", zorder=4)
        above.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
        top += 0.55
        x = left
        for number in shown:
            node = parts[number]
            label = shorten(node.place.label, 26)
            width = _text_width(label) + 0.16
            if x > left and x + width > _WIDTH:
                x, top = left, top + _LINE
            frame = {"boxstyle": "round,pad=0.25", "linewidth": 0.7, "edgecolor": "#555555"}
            frame |= {"facecolor": _shade(node, parts)}
            frame |= {} if node.first.is_input else {"linestyle": "--"}
            text = axes.text(x + width / 2, top, label, fontsize=_FONT, bbox=frame, zorder=4)
            text.set(ha="center", va="center")
            spots[number] = _Spot(x + width / 2, top, 0.13)
            x += width + 0.12
        top += _LINE
    return top


def _draw_edges(
    weights: _Weights,
    most: int,
    axes: Axes,
    spots: dict[int, _Spot],
    parts: Sequence[ShownPart],
) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import FancyArrowPatch

    handles = []
    for place, ((start, name, to), mean) in enumerate(weights.items()):
        color, style = COLORS[place % len(COLORS)], _STYLES[place % len(_STYLES)]
        ratios = {ends: r for ends, r in _ratios(mean, parts).items() if set(ends) <= spots.keys()}
        drawn = _strongest(ratios, most, parts)
        for source, target in drawn:
            ratio = ratios[source, target]
            share = ratio / (1 + ratio)  # half at an even weight
            ends = _ends(spots[source], spots[target])
            arrow = FancyArrowPatch(
                *ends,
                connectionstyle="arc3,rad=0.12",
                arrowstyle="-|>",
                mutation_scale=5 + 5 * share,
                linewidth=0.4 + 2.2 * share,
                linestyle=style,
                color=color,
                alpha=0.25 + 0.65 * share,
                zorder=2,
                shrinkA=0,
                shrinkB=1,
                gid=f"{source} {target} {ratio:.4g}",
            )
            axes.add_patch(arrow)
        largest = max((ratios[ends] for ends in drawn), default=0.0)
        ending = f", up to {largest:.2g} times even weights" if drawn else ", no edges"
        said = f"{start} → {to} ({name}): {len(drawn)} of {len(ratios)}{ending}"
        handles.append(Line2D([], [], color=color, linestyle=style, linewidth=2, label=said))
    if handles:
        legend = axes.legend(handles=handles, loc="upper left", fontsize=8, frameon=False)
        legend.set_bbox_to_anchor((0, 0), transform=axes.transAxes)


def _ratios(
    mean: dict[tuple[int, int], float], parts: Sequence[ShownPart]
) -> dict[tuple[int, int], float]:
    """Return how often the even one each weight is, between words that stand for their pieces."""
    part_of = [number for number, part in enumerate(parts) for _ in range(part.count)]
    received: dict[int, list[float]] = {}
    for (_, target), weight in mean.items():
        received.setdefault(target, []).append(abs(weight))
    even = {target: sum(weights) / len(weights) for target, weights in received.items()}
    sums: dict[tuple[int, int], list[float]] = {}
    for (source, target), weight in mean.items():
        total = sums.setdefault((part_of[source], part_of[target]), [0.0, 0.0])
        total[0] += abs(weight)
        total[1] += even[target]
    return {ends: weight / (evens or 1.0) for ends, (weight, evens) in sums.items()}


def _strongest(
    ratios: dict[tuple[int, int], float], most: int, parts: Sequence[ShownPart]
) -> list[tuple[int, int]]:
    """Return the edges with the largest weights between nodes of large scores."""
    least = 0.01 * largest_score(parts)

    def rank(ends: tuple[int, int]) -> float:
        return ratios[ends] * (least + sum(abs(parts[end].score) for end in ends))

    return sorted(ratios, key=rank, reverse=True)[:most]


def _ends(start: _Spot, to: _Spot) -> tuple[tuple[float, float], tuple[float, float]]:
    """Let arrows touch words above or below, so that they do not run through them."""

    def touch(own: _Spot, other: _Spot) -> tuple[float, float]:
        # Along a line they run above the words.
        side = 1 if other.y > own.y else -1
        return own.x, own.y + side * own.half_height

    return touch(start, to), touch(to, start)


def _largest(numbers: Sequence[int], parts: Sequence[ShownPart]) -> list[int]:
    """Return the nodes to draw, in their order."""
    by_score = sorted(numbers, key=lambda number: -abs(parts[number].score))
    return sorted(by_score[:_MOST_NODES])


def _title(part: ShownPart, parts: Sequence[ShownPart]) -> str:
    node = part.first
    others = [each.first.item for each in parts if each.first.modality == node.modality]
    several = any(item != node.item for item in others)
    return shorten(node.modality, 40) + (f" {node.item + 1}" if several else "")


def _shade(part: ShownPart, parts: Sequence[ShownPart]) -> Any:
    """Return a colour between white and that of the score's sign."""
    from matplotlib.colors import to_rgb

    share = 0.8 * abs(part.score) / largest_score(parts)
    full = to_rgb(BLUE if part.score < 0 else RED)
    return tuple(1 - share * (1 - channel) for channel in full)


def _text_width(text: str) -> float:
    """Return the width of a text in inches."""
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text, size=_FONT).get_extents().width / 72
