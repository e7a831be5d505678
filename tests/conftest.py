# Whatever a module of mmgraph is the first to import is compiled anew, for jaxtyping looks for its
# bytecode under another name. So large packages come first, used here or not, which saves every
# process a quarter of a minute.
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

# A busy machine is no failure.
settings.register_profile("mmgraph", deadline=None)
settings.load_profile("mmgraph")

# The tests' models are so small that a second thread only waits.
torch.set_num_threads(1)

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
        quick = {"channels": 16, "num_layers": 1, "epochs": 2, "verbose": False}
        return MultimodalGraphClassifier(chosen, **{**quick, **options})

    return make
