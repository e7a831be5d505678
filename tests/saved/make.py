"""Write today's saved models and what they predict: python tests/saved/make.py

Whoever raises the format number runs this before the change lands, and keeps what it wrote: those
models must load and predict the same ever after. Folders of older formats are never written again.
"""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (30, 40, 220)}

#: The smallest of estimators.
QUICK = {"channels": 8, "graph": True, "epochs": 1, "batch_size": 8, "verbose": False}

#: The target of each model.
TARGETS = {"labels": "labels", "numbers": "number", "fusion": "label", "relations": "label"}


def make_rows() -> pd.DataFrame:
    """Return 24 rows with holes, the same on every machine."""
    random = np.random.default_rng(0)
    rows = []
    for n in range(24):
        color = list(COLORS)[n % 3]
        noise = random.integers(-20, 20, (16, 16, 3))
        pixels = np.clip(np.array(COLORS[color]) + noise, 0, 255).astype(np.uint8)
        words = " ".join(random.choice(["a", "small", "nice", "very"], n % 5))
        vector = random.normal(size=4).astype(np.float32) + n % 3
        random.normal(size=1600)  # once a sound
        rows.append(
            {
                "image": pixels if n % 7 else None,
                "text": f"{words} {color} thing" if n % 5 else None,
                "price": float(n % 6) + (n % 3),
                "kind": ["x", "y", None][n % 3],
                "vector": vector,
                "label": color,
                "number": float(n % 3) + n / 50,
                "labels": [["a"], ["a", "b"], ["b", "c"]][n % 3],
            }
        )
    return pd.DataFrame(rows)


def make_model(name: str) -> Any:
    """Return an estimator, not yet fitted, in the words of today's mmgraph."""
    from torch_geometric.nn import SAGEConv

    from mmgraph import (
        Chain,
        Features,
        MultimodalGraphClassifier,
        MultimodalGraphRegressor,
        Nearest,
        Tabular,
        Text,
    )
    from mmgraph.nn.fusion import ConcatFusion

    text = Text("text", features=None, vocabulary_size=60)
    table, vector = Tabular(["price", "kind"]), Features("vector")
    if name == "labels":
        return MultimodalGraphClassifier([text, table], num_layers=1, **QUICK)
    if name == "numbers":
        return MultimodalGraphRegressor([vector, table], num_layers=1, **QUICK)
    if name == "fusion":
        lstm = Text("text", features=None, vocabulary_size=60, rnn="lstm", stop_words="en")
        options = {"absent_nodes": True, "modality_dropout": 0.1}
        return MultimodalGraphClassifier([lstm, vector], fusion=ConcatFusion, **options, **QUICK)
    relations = {
        ("text", "chain", "text"): Chain(2),
        ("vector", "near", "text"): Nearest(2),
        ("text", "near", "vector"): Nearest(2),
    }
    options = {"conv": SAGEConv, "readout": "mean", "linear": False, "relations": relations}
    return MultimodalGraphClassifier([text, vector], num_layers=1, **options, **QUICK)


def predict(model: Any, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return outputs of all rows and fused vectors of three."""
    outputs = getattr(model, "predict_proba", model.predict)(rows)
    return {"outputs": np.asarray(outputs, float), "vectors": model.transform(rows[:3])}


def make(name: str, path: Path) -> dict[str, list[Any]]:
    """Fit and save a model; return what it predicts when it is loaded again."""
    from mmgraph import load

    rows = make_rows()
    target = rows[TARGETS[name]].tolist()
    make_model(name).fit(rows, target).save(path, overwrite=True)
    return {key: np.round(x, 9).tolist() for key, x in predict(load(path), rows).items()}


def main() -> None:
    """Write all models in a folder of today's format."""
    from mmgraph.saving.renames import FORMAT

    logging.disable(logging.WARNING)
    warnings.filterwarnings("ignore", message=".*no input in any modality")
    folder = Path(__file__).parent / f"format{FORMAT}"
    folder.mkdir(exist_ok=True)
    suffixes = {"relations": ""}  # one that stays a folder
    made = {name: make(name, folder / (name + suffixes.get(name, ".mmgraph"))) for name in TARGETS}
    (folder / "predictions.json").write_text(json.dumps(made), "utf-8")


if __name__ == "__main__":
    main()
