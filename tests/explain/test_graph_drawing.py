from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from mmgraph import DataError
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.graph_drawing import plot_graph
from mmgraph.modalities.base import Place

LONG = " ".join(["Donaudampfschifffahrtsgesellschaft and some words worth $5"] * 7)  # 42 words
CROSS = ("image", "to", "text")


def arrows(figure):
    """Return source, target and weight of each arrow, with its width."""
    drawn = [each for each in figure.axes[0].patches if isinstance(each, FancyArrowPatch)]
    return [(*each.get_gid().split(), each.get_linewidth()) for each in drawn]


def shown_words(figure):
    return [each for each in figure.axes[0].texts if each.get_bbox_patch() is not None]


def test_regions_words_and_edges(make_explanation):
    explanation = make_explanation("a red cat", row="17", side=2)
    figure = plot_graph(explanation, relations=[CROSS], most=4)
    axes = figure.axes[0]
    assert axes.get_title() == "row 17, animals 70%: rollout"
    assert [each.get_text() for each in shown_words(figure)] == ["text", "a", "red", "cat"]
    # Dots stand in the middle of the four regions.
    dots = np.array([each.get_offsets()[0] for each in axes.collections])
    left, right, bottom, top = axes.images[0].get_extent()
    share = (dots - [left, top]) / [right - left, bottom - top]
    np.testing.assert_allclose(share, [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])
    mean = sum(each.weight.mean(1) for each in explanation.edges if each.relation == CROSS) / 2
    edges = explanation.edges[0]
    even = np.array([mean[edges.target == target].mean() for target in edges.target])
    ratio = mean / even
    # Large weights between nodes of large scores.
    scores = np.abs(explanation.scores)
    best = np.argsort(-ratio * (0.01 * scores.max() + scores[edges.source] + scores[edges.target]))
    best = best[:4]
    drawn = arrows(figure)
    assert [(int(each[0]), int(each[1])) for each in drawn] == [
        (edges.source[k], edges.target[k]) for k in best
    ]
    assert [float(each[2]) for each in drawn] == pytest.approx(ratio[best], rel=1e-3)
    share = ratio[best] / (1 + ratio[best])
    assert [each[3] for each in drawn] == pytest.approx(0.4 + 2.2 * share)
    (entry,) = axes.get_legend().get_texts()
    largest = f"up to {ratio[best].max():.2g} times even weights"
    assert entry.get_text() == f"image → text (to): 4 of 12, {largest}"


def test_words_are_whole(make_explanation):
    explanation = make_explanation("un seen cat", side=2)
    cross = [edges for edges in explanation.edges if edges.relation == CROSS]
    words = [
        replace(node, place=Place(node.place.label, span=span))
        for node, span in zip(
            explanation.nodes[4:], [(0.0, 2.0), (2.0, 6.0), (7.0, 10.0)], strict=True
        )
    ]
    inputs = [explanation.inputs[0], replace(explanation.inputs[1], text="unseen cat")]
    nodes = [*explanation.nodes[:4], *words]
    whole = replace(explanation, nodes=nodes, inputs=inputs)
    figure = plot_graph(whole, relations=[CROSS], layer=0, most=8)
    assert [each.get_text() for each in shown_words(figure)] == ["text", "unseen", "cat"]
    mean = cross[0].weight.mean(1)
    (ratio,) = [float(each[2]) for each in arrows(figure) if each[:2] == ("1", "4")]
    pieces = (cross[0].source == 1) & (np.isin(cross[0].target, [4, 5]))
    assert ratio == pytest.approx(mean[pieces].sum() / (2 / 4), rel=1e-3)


def test_one_layer(make_explanation):
    explanation = make_explanation("a red cat", side=2)
    figure = plot_graph(explanation, relations=[CROSS], layer=1, most=1)
    edges = next(each for each in explanation.edges if each.relation == CROSS and each.layer == 1)
    mean = edges.weight.mean(1)
    ((source, target, ratio, _),) = arrows(figure)
    ends = (edges.source == int(source)) & (edges.target == int(target))
    even = mean[edges.target == int(target)].mean()
    assert float(ratio) == pytest.approx(mean[ends].item() / even, rel=1e-3)


def test_forty_long_words_do_not_overlap(make_explanation):
    figure = plot_graph(make_explanation(LONG))
    figure.draw_without_rendering()
    shown = shown_words(figure)
    assert len(shown) == 1 + 42
    assert shown[1].get_text() == "Donaudampfschifffahrtsges…"
    boxes = [each.get_bbox_patch().get_window_extent() for each in shown]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    # In reading order: to the right, else down.
    for one, other in pairwise(boxes[1:]):
        assert other.x0 > one.x1 if other.y1 > one.y0 else other.x0 == boxes[1].x0


def test_of_long_clips_the_loudest_nodes_are_drawn(make_explanation):
    steps = [
        ("sound", "audio", Place(f"{step} s", span=(float(step), step + 1.0))) for step in range(90)
    ]
    explanation = make_explanation("cat", extra=steps)
    figure = plot_graph(explanation)
    texts = [each.get_text() for each in shown_words(figure)]
    assert "sound (80 of 90 nodes)" in texts
    scores = {node.place.label: abs(node.score) for node in explanation.nodes[26:]}
    left_out = scores.keys() - set(texts)
    assert len(left_out) == 10
    assert max(scores[label] for label in left_out) <= min(
        scores[label] for label in scores.keys() - left_out
    )


def test_a_graph_without_pictures_or_edges(make_explanation):
    described = make_explanation("a red cat").to_json(pictures=False) | {"edges": []}
    figure = plot_graph(Explanation.from_json(described))
    assert len(figure.axes[0].images) == 0
    assert len(shown_words(figure)) == 2 + 25 + 3
    assert arrows(figure) == []
    assert figure.axes[0].get_legend() is None


def test_what_is_not_there(make_explanation):
    explanation = make_explanation("cat")
    with pytest.raises(DataError, match=r"expected relations among.*got \('a', 'to', 'b'\)"):
        plot_graph(explanation, relations=[("a", "to", "b")])
    with pytest.raises(DataError, match=r"one of the layers \[0, 1\], got 2"):
        plot_graph(explanation, layer=2)
