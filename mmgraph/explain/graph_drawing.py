"""A sample's graph: regions in place on the image, tokens in reading order, edges by weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from mmgraph.errors import DataError
from mmgraph.plot.style import BLUE, COLORS, RED, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mmgraph.explain.record import ExplanationRecord, ItemInput, NodeScore
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

    Regions stand on their image, tokens and all other nodes in lines beside it. Edges are
    arrows from the node that is received to the one that receives its messages; the wider, the
    larger the weight (mean over heads) is against the even one, 1/n of a node that receives n.

    Args:
        explanation: The explanation, see `mmgraph.explain`.
        relations: Which relations to draw; None: all.
        layer: Which layer's weights; None: their mean over the layers.
        most: Edges of each relation that are drawn: the largest weights against even ones.

    Raises:
        DataError: The explanation has no such relation or layer.
    """
    from mmgraph.plot.figure import ShownFigure

    weights = _weights(explanation, relations, layer)
    figure = ShownFigure()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    pictured, listed = _items(explanation)
    spots: dict[int, _Spot] = {}
    below = max(
        _draw_pictures(pictured, explanation, axes, spots),
        _draw_lists(listed, explanation, axes, spots, left=_PICTURE + 1.0 if pictured else 0.0),
    )
    _draw_edges(weights, most, axes, spots)
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


def _items(explanation: ExplanationRecord) -> tuple[_Items, _Items]:
    """Return the nodes of each item, those on a picture and those to list."""
    groups: dict[tuple[str, int], list[int]] = {}
    for number, node in enumerate(explanation.nodes):
        groups.setdefault((node.modality, node.item), []).append(number)
    inputs = {(each.modality, each.item): each for each in explanation.inputs}
    pictured: _Items = []
    listed: _Items = []
    for key, numbers in groups.items():
        item = inputs.get(key)
        boxes = all(explanation.nodes[number].place.box for number in numbers)
        has_picture = boxes and item is not None and item.picture() is not None
        (pictured if has_picture else listed).append((item, numbers))
    return pictured, listed


def _draw_pictures(
    items: _Items, explanation: ExplanationRecord, axes: Axes, spots: dict[int, _Spot]
) -> float:
    """Draw pictures one above the other with their regions, and return where they end."""
    from matplotlib.patches import Rectangle

    top = 0.0
    for item, numbers in items:
        assert item is not None
        picture = item.picture()
        assert picture is not None
        first = explanation.nodes[numbers[0]]
        axes.text(0, top + 0.2, _title(first, explanation), fontsize=_FONT, weight="bold")
        top += 0.3
        height = _PICTURE * picture.height / picture.width
        axes.imshow(picture, extent=(0, _PICTURE, top + height, top), zorder=0)
        for number in numbers:
            node = explanation.nodes[number]
            assert node.place.box is not None
            left, upper, right, lower = node.place.box
            size = ((right - left) * _PICTURE, (lower - upper) * height)
            corner = (left * _PICTURE, top + upper * height)
            region = Rectangle(corner, *size, fill=False, edgecolor="#999999", linewidth=0.6)
            region.set_alpha(0.6)
            axes.add_patch(region)
            spots[number] = _Spot(corner[0] + size[0] / 2, corner[1] + size[1] / 2)
            dot = axes.scatter(spots[number].x, spots[number].y, 34, zorder=3)
            dot.set(facecolor=_shade(node, explanation), edgecolor="black", linewidth=0.7)
        top += height + 0.2
    return top


def _draw_lists(
    items: _Items,
    explanation: ExplanationRecord,
    axes: Axes,
    spots: dict[int, _Spot],
    *,
    left: float,
) -> float:
    """Draw nodes as words in lines, and return where they end."""
    top = 0.0
    for _, numbers in items:
        shown = _largest(numbers, explanation)
        title = _title(explanation.nodes[numbers[0]], explanation)
        if len(shown) < len(numbers):
            title += f" ({len(shown)} of {len(numbers)} nodes)"
        above = axes.text(left, top + 0.2, title, fontsize=_FONT, weight="bold", zorder=4)
        above.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
        top += 0.55
        x = left
        for number in shown:
            node = explanation.nodes[number]
            label = shorten(node.place.label, 26)
            width = _text_width(label) + 0.16
            if x > left and x + width > _WIDTH:
                x, top = left, top + _LINE
            frame = {"boxstyle": "round,pad=0.25", "linewidth": 0.7, "edgecolor": "#555555"}
            frame |= {"facecolor": _shade(node, explanation)}
            frame |= {} if node.is_input else {"linestyle": "--"}
            text = axes.text(x + width / 2, top, label, fontsize=_FONT, bbox=frame, zorder=4)
            text.set(ha="center", va="center")
            spots[number] = _Spot(x + width / 2, top, 0.13)
            x += width + 0.12
        top += _LINE
    return top


def _draw_edges(weights: _Weights, most: int, axes: Axes, spots: dict[int, _Spot]) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import FancyArrowPatch

    handles = []
    for place, ((start, name, to), mean) in enumerate(weights.items()):
        color, style = COLORS[place % len(COLORS)], _STYLES[place % len(_STYLES)]
        drawn = list(_strongest(mean, most, spots))
        for source, target, weight, ratio in drawn:
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
                gid=f"{source} {target} {weight:.4g}",
            )
            axes.add_patch(arrow)
        largest = f", up to {drawn[0][3]:.2g} times even weights" if drawn else ", no edges"
        said = f"{start} → {to} ({name}): {len(drawn)} of {len(mean)}{largest}"
        handles.append(Line2D([], [], color=color, linestyle=style, linewidth=2, label=said))
    if handles:
        legend = axes.legend(handles=handles, loc="upper left", fontsize=8, frameon=False)
        legend.set_bbox_to_anchor((0, 0), transform=axes.transAxes)


def _strongest(
    mean: dict[tuple[int, int], float], most: int, spots: dict[int, _Spot]
) -> Iterator[tuple[int, int, float, float]]:
    """Return edges with their weight, and how often that is the even one; the largest of these."""
    received: dict[int, list[float]] = {}
    for (_, target), weight in mean.items():
        received.setdefault(target, []).append(abs(weight))
    even = {target: sum(weights) / len(weights) for target, weights in received.items()}
    ratio = {
        pair: abs(weight) / (even[pair[1]] or 1.0)
        for pair, weight in mean.items()
        if set(pair) <= spots.keys()
    }
    for source, target in sorted(ratio, key=lambda pair: -ratio[pair])[:most]:
        yield source, target, mean[source, target], ratio[source, target]


def _ends(start: _Spot, to: _Spot) -> tuple[tuple[float, float], tuple[float, float]]:
    """Let arrows touch words above or below, so that they do not run through them."""

    def touch(own: _Spot, other: _Spot) -> tuple[float, float]:
        # Along a line they run above the words.
        side = 1 if other.y > own.y else -1
        return own.x, own.y + side * own.half_height

    return touch(start, to), touch(to, start)


def _largest(numbers: Sequence[int], explanation: ExplanationRecord) -> list[int]:
    """Return the nodes to draw, in their order."""
    by_score = sorted(numbers, key=lambda number: -abs(explanation.nodes[number].score))
    return sorted(by_score[:_MOST_NODES])


def _title(node: NodeScore, explanation: ExplanationRecord) -> str:
    several = any(
        each.modality == node.modality and each.item != node.item for each in explanation.nodes
    )
    return shorten(node.modality, 40) + (f" {node.item + 1}" if several else "")


def _shade(node: NodeScore, explanation: ExplanationRecord) -> Any:
    """Return a colour between white and that of the score's sign."""
    from matplotlib.colors import to_rgb

    largest = max(abs(each.score) for each in explanation.nodes) or 1.0
    share = 0.8 * abs(node.score) / largest
    full = to_rgb(BLUE if node.score < 0 else RED)
    return tuple(1 - share * (1 - channel) for channel in full)


def _text_width(text: str) -> float:
    """Return the width of a text in inches."""
    from matplotlib.textpath import TextPath

    return TextPath((0, 0), text, size=_FONT).get_extents().width / 72
