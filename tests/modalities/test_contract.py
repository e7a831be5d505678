"""One contract for all modalities, those to come included."""

import copy
import importlib
import pkgutil
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import mmgraph.modalities
from mmgraph import Audio, Image, Text, Video
from mmgraph.errors import CellError
from mmgraph.graph.relations import Chain
from mmgraph.modalities.base import Modality, Place
from mmgraph.modalities.features import Features
from mmgraph.modalities.tabular import Tabular
from mmgraph.testing import check_modality

RANDOM = np.random.default_rng(0)


def images(*counts):
    return [[RANDOM.integers(0, 256, (20, 20, 3), np.uint8) for _ in range(n)] for n in counts]


def arrays(*lengths):
    return [[RANDOM.normal(size=(length, 5))] for length in lengths]


def clips(*counts):
    sizes = iter(RANDOM.integers(800, 9000, sum(counts)))
    return [[(RANDOM.normal(size=next(sizes)), 8000) for _ in range(n)] for n in counts]


def videos(*counts):
    return [[RANDOM.integers(0, 256, (5, 9, 9, 3), np.uint8) for _ in range(n)] for n in counts]


TEXTS = [["a red rose"], ["the sea", "is blue and wide"], ["three small birds"], ["so it is"]]
ROWS = [
    [("age", 30), ("city", "Rome"), ("seen", "2024-05-31"), ("member", True)],
    [("age", 45.5), ("city", "Oslo"), ("seen", "2023-01-02T10:30")],
    [("city", "Rome"), ("city", "Oslo"), ("member", False)],
    [("age", 1e6), ("seen", "2020-02-29"), ("member", True)],
    [("age", 20), ("city", "Lima"), ("member", False)],
]

CASES = {
    "image": (Image("x", backbone=None, size=32), images(1, 2, 1)),
    "text": (Text("x", features=None), TEXTS),
    "text, lstm": (Text("x", features=None, rnn="lstm"), TEXTS),
    "audio": (Audio("x", mels=16), clips(1, 2, 1, 1)),
    "video": (Video("x", frames=3, size=64), videos(1, 2, 1)),
    "tabular": (Tabular(["age", "city", "seen", "member", "never"]), ROWS),
    "numbers": (Tabular("age"), [[("age", 30)], [("age", 45.5)], [("age", 2)]]),
    "vectors": (Features("x"), arrays(1, 1, 1)),
    "several vectors": (Features("x"), [[*arrays(1)[0], *arrays(1)[0]], *arrays(1, 1)]),
    "sequences": (Features("x", rnn="gru"), arrays(3, 1, 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_contract(case):
    check_modality(*CASES[case])


def test_no_modality_escapes():
    for module in pkgutil.iter_modules(mmgraph.modalities.__path__):
        importlib.import_module(f"mmgraph.modalities.{module.name}")
    checked = {type(modality) for modality, _ in CASES.values()}
    # Rows linked with a row are read of a whole table, and have tests of their own.
    room = f"{mmgraph.modalities.__name__}."
    ours = {kind for kind in Modality.__subclasses__() if kind.__module__.startswith(room)}
    assert ours == checked


class Broken(Features):
    """A good modality, in which each test breaks one promise."""


class OneWay(Chain):
    def edge_index(self, source, target):
        edges = super().edge_index(source, target)
        return edges[:, edges[0] < edges[1]]


class Spread(nn.Module):
    """An encoder whose nodes depend on the batch."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, items):
        nodes = self.inner(items)
        return nodes.with_x(nodes.x + nodes.x.abs().sum())


class Idle(nn.Module):
    """An encoder with a parameter that nothing depends on."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.idle = inner, nn.Parameter(torch.ones(3))

    def forward(self, items):
        nodes = self.inner(items)
        return nodes.with_x(nodes.x + 0 * self.idle.sum())


def fit_in_place(self, cells, *, seed=0):
    self.sequences_ = True
    return Features.fit(self, cells)


def fill(self, cells):
    return Features.transform(self, [cell or [np.zeros(5)] for cell in cells])


def forget(self, folder, state):
    fitted = copy.copy(Features.load(self, folder, state))
    fitted.mean_ = fitted.mean_ + 1
    return fitted


def not_now(self, item):
    raise ValueError("not now")


class Flat(nn.Module):
    def forward(self, nodes):
        return nodes.flat()


def only_of_some(self, samples):
    x = torch.cat([item["features"] for sample in samples for item in sample])
    return replace(Features.collate(self, samples), data={"features": x})


def one_too_long(self, samples):
    items = Features.collate(self, samples)
    return type(items)(items.data, items.length, items.sample + 1, items.batch_size)


BREAKS = {
    "fit changes ['sequences_']": {"fit": fit_in_place},
    "transform of a missing cell": {"transform": fill},
    "sample is [1]": {"collate": one_too_long},
    "alone and in a batch differ": {
        "make_encoder": lambda self, channels: Spread(Features.make_encoder(self, channels))
    },
    "the encoder's idle, 6 samples: the gradient is zero": {
        "make_encoder": lambda self, channels: Idle(Features.make_encoder(self, channels))
    },
    "relation 'next': adjacency and edge_index differ": {
        "relations": lambda self: {"next": OneWay()}
    },
    "expected a Place": {"place": lambda self, item, index: f"vector {index}"},
    "gives other items": {"load": forget},
    "kind is None": {"kind": None},
    "raises TypeError(": {"_read": lambda self, raw, width: np.asarray(raw) + 1},
    "collate of 0 samples fails": {"collate": only_of_some},
    "collate returns list, not Items": {"collate": lambda self, samples: samples},
    "has neither collate nor empty_item": {"empty_item": Modality.empty_item},
    "the encoder returns Tensor, not Nodes": {
        "make_encoder": lambda self, n: nn.Sequential(Features.make_encoder(self, n), Flat())
    },
    "save returns what JSON cannot hold": {"save": lambda self, folder: {"x": torch.ones(1)}},
    "fit returns the description itself": {"fit": lambda self, cells, seed=0: self},
    "from a table, `fit` reads the values": {"takes_lists": False},
    "fit of a classifier fails: ValueError: not now": {"augment": not_now},
}  # fmt: skip


@pytest.mark.parametrize("message", BREAKS)
def test_broken_promises_are_found(message, monkeypatch):
    for name, broken in BREAKS[message].items():
        monkeypatch.setattr(Broken, name, broken, raising=False)
    lists = [[array.tolist() for array in cell] for cell in arrays(3, 1, 4)]
    with pytest.raises(AssertionError) as caught:
        check_modality(Broken("x"), lists)
    assert message in str(caught.value)


def test_choices_are_fields():
    class Chosen(Features):
        """As one writes it who forgets the decorator."""

        window: int = 3

    with pytest.raises(AssertionError, match=r"no fields: \['window'\]; add @dataclass"):
        check_modality(Chosen("x"), arrays(1, 1, 1))


def test_the_least_that_a_modality_is():
    @dataclass(eq=False)
    class Length(Modality):
        """Texts as a node that holds their length."""

        kind = "length"

        def transform(self, cells):
            rows = self.read_each(cells, self._read)
            return [[{"x": torch.tensor([[size / 10]])} for size in row] for row in rows]

        def _read(self, raw):
            if not isinstance(raw, str):
                raise CellError(f"expected text, got {raw!r}")
            return len(raw)

        def empty_item(self):
            return {"x": torch.zeros(0, 1)}

        def make_encoder(self, channels):
            return Mapped(nn.Linear(1, channels))

        def relations(self):
            return {}

        def place(self, item, index):
            return Place("all")

    length = Length("title", name="size", unreadable="missing")
    assert (length.node_type, length.unreadable) == ("size", "missing")
    check_modality(length, pd.DataFrame({"title": ["a", ["two", "more"], "three"]}))
    with pytest.warns(UserWarning, match="size: 1 unreadable values in 1 rows count as missing"):
        assert length.transform([[3, "four"]])[0][0]["x"].item() == pytest.approx(0.4)


class Mapped(nn.Module):
    def __init__(self, lin):
        super().__init__()
        self.lin = lin

    def forward(self, items):
        return items.nodes(self.lin(items.data["x"]))


def test_cells_must_be_given():
    with pytest.raises(AssertionError, match="give 3 cells or more"):
        check_modality(Features("x"), [[np.zeros(3)], [], [np.ones(3)]])
