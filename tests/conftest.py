# Whatever a module of mmgraph is the first to import is compiled anew, for jaxtyping looks for its
# bytecode under another name. So large packages come first, used here or not, which saves every
# process a quarter of a minute.
import os

import lightning  # noqa: F401
import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model  # noqa: F401
import timm  # noqa: F401
import torch
import torch_geometric.nn  # noqa: F401
import transformers  # noqa: F401
from hypothesis import settings
from PIL import Image as PILImage

from mmgraph import Image, MultimodalGraphClassifier, Text
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.record import EdgeScores, ItemInput, NodeScore
from mmgraph.explain.thumbnails import to_data_uri
from mmgraph.modalities.base import Place

# A busy machine is no failure, and no change is to blame for an unlucky draw: the same examples are
# drawn each time. `FUZZ_EXAMPLES=1000 pytest -m hypothesis` looks for new ones, a thousand a test.
explore = "FUZZ_EXAMPLES" in os.environ
examples = int(os.environ.get("FUZZ_EXAMPLES", "100"))
settings.register_profile(
    "mmgraph", deadline=None, derandomize=not explore, max_examples=examples, print_blob=explore
)
settings.load_profile("mmgraph")

# The tests' models are so small that a second thread only waits.
torch.set_num_threads(1)

#: What type checkers read, and nobody runs: some of it is wrong on purpose.
collect_ignore = ["use_with_types.py"]

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    """Keep every test's cached features to itself."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("MMGRAPH_CACHE", str(folder))
    return folder


@pytest.fixture
def frame(tmp_path):
    """Return 24 small pictures with captions, where both tell the colour."""
    random = np.random.default_rng(0)
    rows = []
    for number in range(24):
        color = list(COLORS)[number % 3]
        noise = random.integers(-20, 20, (16, 16, 3))
        path = tmp_path / f"{number}.png"
        pixels = np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)
        PILImage.fromarray(pixels).save(path)
        words = " ".join(random.choice(["a", "small", "nice", "very"], number % 5))
        rows.append({"image": str(path), "text": f"{words} {color} thing", "label": color})
    return pd.DataFrame(rows).assign(series=[number // 6 for number in range(24)])


@pytest.fixture
def make_classifier():
    """Return a function that makes small, quick classifiers."""

    def make(modalities=None, **options):
        chosen = modalities or [
            Image("image", backbone=None, size=32),
            Text("text", features=None),
        ]
        # On so few rows no held-out ones could show that the graph pays.
        quick = {"channels": 16, "epochs": 2, "graph": True, "verbose": False}
        if "fusion" not in options:
            quick["num_layers"] = 1
        return MultimodalGraphClassifier(chosen, **{**quick, **options})

    return make


def _regions(side):
    for index in range(side * side):
        down, right = divmod(index, side)
        box = (right / side, down / side, (right + 1) / side, (down + 1) / side)
        yield Place(f"row {down + 1}, column {right + 1}", box=box)


def _words(text):
    end = 0
    for word in text.split():
        start = text.index(word, end)
        end = start + len(word)
        yield Place(word, span=(float(start), float(end)))


@pytest.fixture(scope="session")
def make_explanation():
    """Return a function that makes explanations up, of an image of regions and a text of words."""

    def make(text, *, row="0", seed=0, side=5, layers=2, heads=4, method="rollout", extra=()):
        random = np.random.default_rng(seed)
        places = [("image", "image", place) for place in _regions(side)]
        places += [("text", "text", place) for place in _words(text)]
        places += list(extra)
        position, nodes = {}, []
        for modality, kind, place in places:
            index = position[modality] = position.get(modality, -1) + 1
            score = float(random.normal())
            nodes.append(NodeScore(modality, kind, 0, index, place, score))
        groups = {
            name: np.array([k for k, node in enumerate(nodes) if node.modality == name])
            for name in position
        }
        edges = []
        for layer in range(layers):
            for start, to in (("image", "text"), ("text", "image"), ("image", "image")):
                source = np.tile(groups[start], len(groups[to]))
                target = np.repeat(groups[to], len(groups[start]))
                weight = random.dirichlet(
                    np.full(len(groups[start]), 0.2), (len(groups[to]), heads)
                )
                flat = weight.transpose(0, 2, 1).reshape(-1, heads)
                edges.append(EdgeScores((start, "to", to), layer, source, target, flat))
        noise = random.integers(0, 255, (8, 8, 3)).astype(np.uint8)
        picture = PILImage.fromarray(noise).resize((256, 256), PILImage.Resampling.BICUBIC)
        return Explanation(
            row=row,
            method=method,
            task="multiclass",
            outputs=["animals", "tools", "a class with a very long name indeed"],
            predicted=[0.7, 0.2, 0.1],
            target=0,
            value=1.5,
            base=None,
            signed=True,
            nodes=nodes,
            edges=edges,
            inputs=[
                ItemInput("image", "image", 0, thumbnail=to_data_uri(picture)),
                ItemInput("text", "text", 0, text=text),
            ],
        )

    return make
