from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from mmgraph.explain.drawing import wrap
from mmgraph.explain.explanation import Explanation
from mmgraph.modalities.base import Place
from mmgraph.plot.style import BLUE, RED

LONG = " ".join(["Donaudampfschifffahrtsgesellschaft and some words worth $5"] * 7)


def fills(figure):
    """Return the rectangles that shade and outline; those that hatch stand on them."""
    shapes = [each for each in figure.axes[0].patches if isinstance(each, Rectangle)]
    return [each for each in shapes if each.get_hatch() is None]


def hatched(figure):
    return [each for each in figure.axes[0].patches if each.get_hatch()]


def texts(figure):
    return [each.get_text() for each in [*figure.axes[0].texts, *figure.texts]]


def test_regions_and_words_are_marked_by_their_scores(make_explanation):
    explanation = make_explanation("a red cat", row="17", side=2)
    figure = explanation.plot()
    scores = explanation.scores
    share = scores / np.abs(scores).max()
    words = fills(figure)[-3:]
    for shape, own in zip(words, share[4:], strict=True):
        color = shape.get_facecolor()
        assert color[:3] == to_rgb(RED if own > 0 else BLUE)
        assert color[3] == pytest.approx(0.75 * abs(own))
    # What speaks against is hatched, so that greyscale tells it; regions for have outlines.
    assert len(hatched(figure)) == (share < 0).sum()
    outlined = [each for each in fills(figure)[:-3] if each.get_linewidth()]
    lines = sorted(each.get_linewidth() for each in outlined)
    assert lines == pytest.approx(sorted(3 * share[:4][share[:4] > 0]))
    said = texts(figure)
    assert "row 17: why animals (70.0%)? rollout" in said
    assert f"image: sum {scores[:4].sum():+.2g}" in said
    assert said[2:5] == ["a", "red", "cat"]
    legend = [each.get_text() for each in figure.axes[1].texts]
    largest = f"full colour: {np.abs(scores).max():.2g}"
    assert legend == ["against animals", "for animals", largest]


def test_the_picture_stays_visible(make_explanation):
    figure = make_explanation("cat", side=2).plot()
    for each in figure.axes[0].patches[:4]:
        assert each.get_facecolor()[3] <= 0.25
    pixels = np.asarray(figure.axes[0].images[0].get_array())
    assert pixels.ndim == 3  # in its own colours


def test_a_wrong_prediction_says_what_is_true(make_explanation):
    explanation = replace(make_explanation("cat"), truth=("tools",), decided=("animals",))
    assert "row 0: why animals (70.0%, it is tools)? rollout" in texts(explanation.plot())


def test_words_stand_on_their_shades_and_not_on_each_other(make_explanation):
    figure = make_explanation(LONG).plot()
    figure.draw_without_rendering()
    axes = figure.axes[0]
    places = [each for each in axes.texts if each.get_family() == ["DejaVu Sans Mono"]]
    boxes = [each.get_window_extent() for each in places]
    assert len(boxes) == 7 * 6
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    page = figure.bbox
    assert all(page.x0 <= box.x0 and box.x1 <= page.x1 for box in boxes)
    words = [each.get_window_extent() for each in fills(figure)[-len(boxes) :]]
    for box, shade in zip(boxes, words, strict=True):
        assert shade.x0 == pytest.approx(box.x0, abs=2)
        assert shade.x1 == pytest.approx(box.x1, abs=0.06 * (box.x1 - box.x0) + 2)
        assert shade.y0 < (box.y0 + box.y1) / 2 < shade.y1


def test_what_is_no_picture_and_no_text_are_bars_in_the_order_of_time(make_explanation):
    steps = [
        ("sound", "audio", Place(f"{step} s", span=(float(step), step + 1.0))) for step in range(20)
    ]
    explanation = make_explanation("cat", side=2, extra=steps)
    own = explanation.scores[5:]
    figure = explanation.plot()
    bars = figure.axes[0].patches[-12:]
    best = sorted(np.argsort(-np.abs(own))[:12])
    widths = [each.get_width() for each in bars]
    np.testing.assert_allclose(np.array(widths) / widths[0], own[best] / own[best[0]])
    said = texts(figure)
    labels = [f"{step} s" for step in best]
    assert [each for each in said if each in labels] == labels
    assert {f"{score:+.2g}" for score in own[best]} <= set(said)


def test_unsigned_scores_and_no_picture(make_explanation):
    described = make_explanation("a red cat").to_json(pictures=False) | {"signed": False}
    for node in described["nodes"]:
        node["score"] = abs(node["score"])
    figure = Explanation.from_json(described).plot()
    assert len(figure.axes[0].images) == 0
    assert figure.axes[1].texts[0].get_text() == "matters"
    assert not hatched(figure)


def test_a_row_with_nothing_in_it(make_explanation):
    described = make_explanation("cat").to_json() | {"nodes": [], "edges": [], "inputs": []}
    assert texts(Explanation.from_json(described).plot())[0].startswith("row 0")


@given(st.text("ab ", max_size=60), st.integers(1, 12))
def test_letters_have_places_of_their_own(text, width):
    places = wrap(text, width)
    assert len(places) == len(set(places)) == len(text)
    assert places == sorted(places)
    written = [place for letter, place in zip(text, places, strict=True) if letter != " "]
    assert all(column < width for _, column in written)
