"""One row of each kind of relation: drawings, a sentence, and what it says of them.

Each function draws the answer first, and then drawings and words in such a way that neither
tells it alone, but for `one_modality` and `additive`, where that is the point.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from mmgraph.datasets.made.drawing import COLORS, SHAPES, Shape, anywhere, draw, scattered


@dataclass(frozen=True)
class Row:
    """What one row holds.

    Args:
        images: Drawings, as PNG files; none where the row has no picture.
        text: The sentence.
        label: The answer.
    """

    images: list[bytes]
    text: str
    label: str


def one_modality(random: np.random.Generator) -> Row:
    """The sentence names the colour that is asked for, the drawing has another's."""
    told, drawn = _some(COLORS, 2, random)
    shape = Shape(_one(SHAPES, random), drawn, anywhere(0.2, random), 0.2)
    return Row([draw([shape], random)], f"the answer is {told}", told)


def additive(random: np.random.Generator) -> Row:
    """Dots are drawn and more are announced: are there more than five in all?"""
    yes = _coin(random)
    pairs = [(n, m) for n in range(1, 6) for m in range(1, 6) if (n + m > 5) is yes]
    drawn, told = pairs[int(random.integers(len(pairs)))]
    shapes = [Shape("circle", "blue", at) for at in scattered(drawn, random)]
    number = ("one", "two", "three", "four", "five")[told - 1]
    return Row([draw(shapes, random)], f"and {number} more", _word(yes))


def exclusive_or(random: np.random.Generator) -> Row:
    """A circle with "apple", or a square with "pear": yes; the two others: no."""
    kind, fruit = _one(("circle", "square"), random), _one(("apple", "pear"), random)
    shape = Shape(kind, _one(COLORS, random), anywhere(0.2, random), 0.2)
    return Row([draw([shape], random)], fruit, _word((kind == "circle") == (fruit == "apple")))


def binding(random: np.random.Generator) -> Row:
    """ "A red circle and a blue square", drawn so or with their colours exchanged."""
    kinds, colors, yes = _some(SHAPES, 2, random), _some(COLORS, 2, random), _coin(random)
    drawn = colors if yes else colors[::-1]
    shapes = [
        Shape(kind, color, at)
        for kind, color, at in zip(kinds, drawn, scattered(2, random), strict=True)
    ]
    text = " and ".join(f"a {c} {k}" for k, c in zip(kinds, colors, strict=True))
    return Row([draw(shapes, random)], text, _word(yes))


def spatial(random: np.random.Generator) -> Row:
    """ "The circle is left of the square", drawn so or the other way round."""
    kinds, yes = _some(SHAPES, 2, random), _coin(random)
    said = _one(("left of", "right of", "above", "below"), random)
    axis, first_is_less = int(said in ("above", "below")), said in ("left of", "above")
    while True:
        places = scattered(2, random)
        if abs(places[0][axis] - places[1][axis]) > 0.2:
            break
    if (places[0][axis] < places[1][axis]) is not (first_is_less is yes):
        places = places[::-1]
    colors = [_one(COLORS, random) for _ in kinds]
    shapes = [Shape(*each) for each in zip(kinds, colors, places, strict=True)]
    return Row([draw(shapes, random)], f"the {kinds[0]} is {said} the {kinds[1]}", _word(yes))


def counting(random: np.random.Generator) -> Row:
    """ "There are more circles than squares", of one to four each."""
    kinds, yes = _some(SHAPES, 2, random), _coin(random)
    said = _one(("more", "fewer"), random)
    low, high = sorted(int(n) + 1 for n in random.choice(4, 2, replace=False))
    counts = (high, low) if (said == "more") is yes else (low, high)
    names = [kinds[0]] * counts[0] + [kinds[1]] * counts[1]
    places = scattered(len(names), random)
    shapes = [Shape(k, _one(COLORS, random), at) for k, at in zip(names, places, strict=True)]
    return Row(
        [draw(shapes, random)],
        f"there are {said} {_many(kinds[0])} than {_many(kinds[1])}",
        _word(yes),
    )


def odd_one_out(random: np.random.Generator) -> Row:
    """Three drawings, of which one has another shape: has it the colour that is named?"""
    kinds, colors, yes = _some(SHAPES, 2, random), _some(COLORS, 3, random), _coin(random)
    odd = int(random.integers(3))
    images = [
        draw([Shape(kinds[place == odd], color, anywhere(0.2, random), 0.2)], random)
        for place, color in enumerate(colors)
    ]
    others = [color for place, color in enumerate(colors) if place != odd]
    said = colors[odd] if yes else _one(others, random)
    return Row(images, f"the odd one out is {said}", _word(yes))


#: A row of each kind; rows that depend on others are made in `relations.py`.
STATEMENTS: dict[str, Callable[[np.random.Generator], Row]] = {
    each.__name__: each
    for each in (one_modality, additive, exclusive_or, binding, spatial, counting, odd_one_out)
}


def earlier_turn(random: np.random.Generator, turns: int) -> list[Row]:
    """A dialogue: its first turn states a colour, the others ask whether drawings have it.

    The label of the first turn is "stated".
    """
    color = _one(COLORS, random)
    rows = [Row([], f"my color is {color}", "stated")]
    for _ in range(turns - 1):
        yes = _coin(random)
        drawn = color if yes else _one([each for each in COLORS if each != color], random)
        shape = Shape(_one(SHAPES, random), drawn, anywhere(0.2, random), 0.2)
        rows.append(Row([draw([shape], random)], "is it my color?", _word(yes)))
    return rows


def _one(names: Collection[str], random: np.random.Generator) -> str:
    return list(names)[int(random.integers(len(names)))]


def _some(names: Collection[str], count: int, random: np.random.Generator) -> list[str]:
    return [list(names)[place] for place in random.permutation(len(names))[:count]]


def _many(kind: str) -> str:
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"


def _coin(random: np.random.Generator) -> bool:
    return bool(random.integers(2))


def _word(yes: bool) -> str:
    return "yes" if yes else "no"
