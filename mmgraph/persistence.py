"""Fitted estimators on disk: a folder of JSON, safetensors and tokenizer files, no pickle.

config.json           versions, parameters, classes, modalities and their JSON state
model.safetensors     every tensor of the model
modalities/<name>/    what each modality wrote: tokenizers, statistics, frozen backbones
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from mmgraph import __version__, relations
from mmgraph.errors import DataError
from mmgraph.modalities.base import Modality
from mmgraph.modalities.infer import KINDS
from mmgraph.relations import Relation

if TYPE_CHECKING:
    from mmgraph.estimator import MultimodalGraphClassifier

#: Raised when older versions of mmgraph could not read what this one writes.
FORMAT = 1

_CONFIG, _WEIGHTS, _MODALITIES = "config.json", "model.safetensors", "modalities"


def save(estimator: MultimodalGraphClassifier, path: Path, *, overwrite: bool) -> None:
    """Write an estimator; nothing is left half written if that fails.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; pass overwrite=True to replace it")
    if path.exists() and not _may_replace(path):
        raise FileExistsError(f"{path}: exists and is not a saved model; it is left as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as name:
        folder = Path(name) / "model"
        folder.mkdir()
        _write(estimator, folder)
        if path.exists():
            shutil.rmtree(path)
        folder.rename(path)


def _may_replace(path: Path) -> bool:
    """Say whether a path is an empty folder or a model of ours, and not anything else."""
    if not path.is_dir() or not any(path.iterdir()):
        return path.is_dir()
    try:
        _read_config(path, newest=None)
    except DataError:  # many programs write a config.json
        return False
    return True


def _write(estimator: MultimodalGraphClassifier, folder: Path) -> None:
    from safetensors.torch import save_file

    saved = []
    for modality in estimator.modalities_:
        inside = folder / _MODALITIES / modality.node_type
        inside.mkdir(parents=True)
        saved.append(_describe(modality) | {"state": modality.save(inside)})
    parameters = estimator.get_params(deep=False) | {"modalities": None}
    parameters["relations"] = _write_relations(estimator.relations)
    parameters["conv"] = _name_of(estimator.conv)
    parameters["log_dir"] = None if estimator.log_dir is None else str(estimator.log_dir)
    config = {
        "format": FORMAT,
        "mmgraph": __version__,
        "estimator": type(estimator).__name__,
        "parameters": parameters,
        "modalities": saved,
        "classes": estimator.classes_.tolist(),
        "features": estimator.feature_names_in_.tolist(),
        "history": estimator.history_,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False, default=_plain)
    (folder / _CONFIG).write_text(text, "utf-8")
    tensors = {name: value.contiguous() for name, value in estimator.model_.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS)


def _plain(value: Any) -> Any:
    """Return what JSON can hold for numbers of NumPy, which grid searches set, and paths."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"expected parameters that JSON can hold, got {value!r}")


def load(
    path: Path,
    *,
    conv: Callable[[int, int], nn.Module] | None = None,
    modalities: Sequence[type[Modality]] = (),
) -> MultimodalGraphClassifier:
    """Read an estimator; see `mmgraph.load`."""
    from safetensors.torch import load_file

    config = _read_config(path)
    try:
        estimator = _read_description(path, config, conv=conv, modalities=modalities)
        model = estimator._build_model()
    except DataError:
        raise
    except Exception as error:  # whatever a lacking or altered file leads to
        raise DataError(f"{path}: damaged, save it again: {error!r}") from error
    try:
        model.load_state_dict(load_file(path / _WEIGHTS))
    except Exception as error:
        raise DataError(f"{path / _WEIGHTS}: damaged, or of another model: {error}") from error
    estimator.model_ = model.eval()
    return estimator


def _read_description(
    path: Path,
    config: dict[str, Any],
    *,
    conv: Callable[[int, int], nn.Module] | None,
    modalities: Sequence[type[Modality]],
) -> MultimodalGraphClassifier:
    """Return the estimator with its fitted modalities, and without a model."""
    from mmgraph.estimator import MultimodalGraphClassifier

    parameters = config["parameters"]
    parameters["relations"] = _read_relations(parameters["relations"])
    parameters["conv"] = conv if conv is not None else _find_conv(path, parameters["conv"])
    estimator = MultimodalGraphClassifier(**parameters)
    known = {kind.__name__: kind for kind in (*KINDS, *modalities)}
    described = [(each, _restore(path, each, known)) for each in config["modalities"]]
    estimator.modalities = [modality for _, modality in described]
    estimator.modalities_ = [
        modality.load(path / _MODALITIES / modality.node_type, each["state"])
        for each, modality in described
    ]
    estimator.classes_ = np.array(config["classes"])
    estimator.feature_names_in_ = np.array(config["features"], dtype=object)
    estimator.n_features_in_ = len(estimator.feature_names_in_)
    estimator.history_ = config["history"]
    return estimator


def _read_config(path: Path, newest: int | None = FORMAT) -> dict[str, Any]:
    if not (path / _CONFIG).is_file():
        raise DataError(f"{path}: expected a folder with {_CONFIG}, as `save` writes it")
    try:
        config: dict[str, Any] = json.loads((path / _CONFIG).read_text("utf-8"))
        version, writer = int(config["format"]), config["mmgraph"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path / _CONFIG}: damaged, save it again: {error!r}") from error
    if newest is not None and version > newest:
        raise DataError(
            f"{path}: written by mmgraph {writer}, which is newer than this mmgraph "
            f"{__version__}; upgrade with pip install -U mmgraph"
        )
    return config


def _describe(modality: Modality) -> dict[str, Any]:
    """Return the class of a modality and what the user chose."""
    assert dataclasses.is_dataclass(modality)
    fields = [field.name for field in dataclasses.fields(modality) if field.init]
    values = {name: getattr(modality, name) for name in fields}
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
    return {"type": type(modality).__name__, "parameters": plain}


def _restore(path: Path, saved: dict[str, Any], known: Mapping[str, type[Modality]]) -> Modality:
    if saved["type"] not in known:
        raise DataError(
            f"{path}: uses the modality {saved['type']}; pass its class: "
            f"load(path, modalities=[{saved['type']}])"
        )
    return known[saved["type"]](**saved["parameters"])


def _write_relations(chosen: Mapping[Any, Relation] | None) -> list[Any] | None:
    if chosen is None:
        return None
    written = []
    for edge_type, relation in chosen.items():
        if getattr(relations, type(relation).__name__, None) is not type(relation):
            raise TypeError(f"{edge_type}: only mmgraph's own relations can be saved: {relation!r}")
        arguments = dataclasses.asdict(relation)  # type: ignore[call-overload]
        written.append([list(edge_type), type(relation).__name__, arguments])
    return written


def _read_relations(written: list[Any] | None) -> dict[Any, Relation] | None:
    if written is None:
        return None
    kinds = {kind.__name__: kind for kind in Relation.__subclasses__()}
    return {tuple(edge): kinds[kind](**arguments) for edge, kind, arguments in written}


def _name_of(conv: Callable[..., nn.Module] | None) -> str | None:
    """Return the name of a convolution, which is all of it that is saved."""
    return None if conv is None else getattr(conv, "__name__", type(conv).__name__)


def _find_conv(path: Path, name: str | None) -> Callable[[int, int], nn.Module] | None:
    """Return PyG's class of that name."""
    if name is None:
        return None
    from torch_geometric import nn as pyg

    from mmgraph.nn.gnn import transformer_conv

    if name == transformer_conv.__name__:
        return transformer_conv
    if not hasattr(pyg, name):
        raise DataError(
            f"{path}: was made with the convolution {name!r}, which is not one of PyG's; pass it: "
            "load(path, conv=...)"
        )
    return getattr(pyg, name)
