"""Arguments of another type than is declared are refused, with the argument's name."""

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from mmgraph import Audio, Features, Image, Tabular, Text, Video
from mmgraph.system.choices import check_choices
from mmgraph.training.settings import Training


@dataclass
class Part:
    whole: int = 1
    number: float = 0.5
    truth: bool = True
    path: str | Path | None = None
    choice: Literal["a", "b"] | Literal[True] = "a"
    anything: Any = None
    learnt_: int = field(init=False, default=0)


def changed(part, given):
    """Change arguments past what checks their types in these tests alone."""
    for name, value in given.items():
        object.__setattr__(part, name, value)
    return part


@pytest.mark.parametrize(
    "given",
    [
        *({"whole": np.int64(3)}, {"number": 1}, {"number": np.float32(2)}, {"truth": np.bool_(1)}),
        *({"truth": 0}, {"path": Path("a")}, {"path": "a"}, {"path": None}, {"choice": "b"}),
        *({"choice": True}, {"anything": 1j}),
    ],
    ids=repr,
)
def test_taken(given):
    check_choices(changed(Part(), given))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"whole": 1.0}, r"expected whole to be a whole number, got 1\.0"),
        ({"whole": True}, "expected whole to be a whole number, got True"),
        ({"whole": (32, 32)}, r"expected whole .*got \(32, 32\)"),
        ({"number": "0.5"}, "expected number to be a number, got '0.5'"),
        ({"truth": "no"}, "expected truth to be True or False, got 'no'"),
        ({"truth": 2}, "expected truth to be True or False, got 2"),
        ({"path": 3}, "expected path to be a text or a path or None, got 3"),
        ({"choice": 1}, "expected choice to be one of 'a', 'b' or True, got 1"),
        ({"choice": ["a"]}, r"expected choice .*got \['a'\]"),
        ({"whole": "x" * 9000}, r"Part: expected whole .{0,200}$"),
    ],
)
def test_refused(given, expected):
    with pytest.raises(ValueError, match=expected):
        check_choices(changed(Part(), given))


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        (Image("a"), "size", (32, 32)),
        (Image("a"), "rotation", "a lot"),
        (Text("a"), "max_tokens", "64"),
        (Text("a"), "cache", "no"),
        (Tabular(["a"]), "unreadable", True),
        (Features("a"), "name", 3),
        (Audio("a"), "name", b"a"),
        (Video("a"), "frames", 2.5),
        (Training(), "epochs", "3"),
    ],
)
def test_parts_check_their_arguments(part, name, value):
    with pytest.raises(ValueError, match=rf"^\w+: expected {name} to be"):
        changed(copy.copy(part), {name: value}).__post_init__()
