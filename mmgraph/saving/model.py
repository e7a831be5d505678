"""Fitted estimators on disk: a folder of JSON, safetensors and tokenizer files, no pickle.

A path that ends in `.mmgraph` gets the same folder as one file, see `mmgraph.saving.archive`.

config.json           versions, parameters, classes, modalities and their JSON state
model.safetensors     every tensor of the model
README.md             the model card: data, held-out scores, versions, limits
modalities/<name>/    what each modality wrote: tokenizers, statistics, frozen backbones
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from mmgraph import __version__
from mmgraph.data.infer import KINDS
from mmgraph.errors import DataError
from mmgraph.graph import relations
from mmgraph.graph.relations import Custom, EdgeList, Relation
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.base import Fusion
from mmgraph.saving import archive, card

if TYPE_CHECKING:
    from mmgraph.estimator import MultimodalEstimator

#: Raised when older versions of mmgraph could not read what this one writes.
FORMAT = 1

_CONFIG, _WEIGHTS, _MODALITIES = "config.json", "model.safetensors", "modalities"
_CARD = "README.md"


def save(estimator: MultimodalEstimator, path: Path, *, overwrite: bool) -> None:
    """Write an estimator; nothing is left half written if that fails.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    with new_folder(path, overwrite, mine=_is_model) as folder:
        _write(estimator, folder)


@contextmanager
def new_folder(path: Path, overwrite: bool, *, mine: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a folder to write into, which takes the place of `path` where all went well.

    Args:
        path: Where it is to be; as one file, where it ends in `.mmgraph`.
        overwrite: Replace what is there.
        mine: Says whether something there is ours to replace; an empty folder always is.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists already; pass overwrite=True to replace it")
    empty = path.is_dir() and not any(path.iterdir())
    if path.exists() and not empty and not mine(path):
        raise FileExistsError(f"{path}: exists and is not a saved model; it is left as it is")
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as name:
        folder = Path(name) / "model"
        folder.mkdir()
        yield folder
        if path.suffix == archive.SUFFIX:
            archive.pack(folder, Path(name) / "file")
            folder = Path(name) / "file"
        if path.is_dir():
            shutil.rmtree(path)
        elif folder.is_dir():
            path.unlink(missing_ok=True)
        folder.replace(path)


def _is_model(path: Path) -> bool:
    try:
        _read_config(path, newest=None)
    except DataError:  # many programs write a config.json
        return False
    return True


def _write(estimator: MultimodalEstimator, folder: Path) -> None:
    from safetensors.torch import save_file

    saved = save_modalities(estimator.modalities_, folder / _MODALITIES)
    parameters = estimator.get_params(deep=False) | {"modalities": None}
    parameters["relations"] = _write_relations(estimator.relations)
    parameters["conv"] = _name_of(estimator.conv)
    parameters["fusion"] = _name_of(estimator.fusion)
    for key in ("log_dir", "checkpoint_dir"):
        parameters[key] = None if parameters[key] is None else str(parameters[key])
    config = {
        "format": FORMAT,
        "mmgraph": __version__,
        "estimator": type(estimator).__name__,
        "parameters": parameters,
        "modalities": saved,
        "targets": estimator._describe_targets(),
        "features": estimator.feature_names_in_.tolist(),
        "history": estimator.history_,
        "facts": estimator.facts_,
    }
    text = json.dumps(config, indent=2, ensure_ascii=False, default=plain)
    (folder / _CONFIG).write_text(text, "utf-8")
    tensors = {name: value.contiguous() for name, value in estimator.model_.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS)
    (folder / _CARD).write_text(card.write_card(estimator), "utf-8")


def save_modalities(modalities: Sequence[Modality], folder: Path) -> list[dict[str, Any]]:
    """Write fitted modalities into folders of theirs; return what JSON can hold of them."""
    saved = []
    for modality in modalities:
        inside = folder / modality.node_type
        inside.mkdir(parents=True)
        state = {"state": modality.save(inside), "several": modality.several_}
        saved.append(_describe(modality) | state)
    return saved


def load_modalities(
    folder: Path,
    saved: Sequence[dict[str, Any]],
    modalities: Sequence[type[Modality]] = (),
    *,
    call: str = "load",
) -> list[Modality]:
    """Return the fitted modalities that `save_modalities` wrote.

    Args:
        folder: The folder they are in.
        saved: What it returned.
        modalities: Classes besides mmgraph's own.
        call: The function that takes such classes, for the message.

    Raises:
        DataError: The class of one is not known.
    """
    known = {kind.__name__: kind for kind in (*KINDS, *modalities)}
    loaded = []
    for each in saved:
        if each["type"] not in known:
            raise DataError(
                f"{folder.parent}: uses the modality {each['type']}; pass its class: "
                f"{call}(path, modalities=[{each['type']}])"
            )
        modality = known[each["type"]](**each["parameters"])
        modality = modality.load(folder / modality.node_type, each["state"])
        modality.several_ = each["several"]
        loaded.append(modality)
    return loaded


def plain(value: Any) -> Any:
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
    fusion: Callable[..., Fusion] | None = None,
    modalities: Sequence[type[Modality]] = (),
) -> MultimodalEstimator:
    """Read an estimator; see `mmgraph.load`."""
    from safetensors.torch import load_file

    config = _read_config(path)
    folder = archive.unpacked(path) if path.is_file() else path
    with _named(folder, path):
        try:
            estimator = _read_description(
                folder, config, conv=conv, fusion=fusion, modalities=modalities
            )
            model = estimator._build_model()
        except DataError:
            raise
        except Exception as error:  # whatever a lacking or altered file leads to
            raise DataError(f"{folder}: damaged, save it again: {error!r}") from error
        weights = folder / _WEIGHTS
        try:
            model.load_state_dict(load_file(weights))
        except Exception as error:
            raise DataError(f"{weights}: damaged, or of another model: {error}") from error
    estimator.model_ = model.eval()
    return estimator


@contextmanager
def _named(folder: Path, path: Path) -> Iterator[None]:
    """Within the block, errors about a folder that a file was unpacked into name the file."""
    try:
        yield
    except DataError as error:
        raise DataError(str(error).replace(str(folder), str(path))) from error


def _read_description(
    path: Path,
    config: dict[str, Any],
    *,
    conv: Callable[[int, int], nn.Module] | None,
    fusion: Callable[..., Fusion] | None,
    modalities: Sequence[type[Modality]],
) -> MultimodalEstimator:
    """Return the estimator with its fitted modalities, and without a model."""
    from mmgraph.estimator import MultimodalGraphClassifier, MultimodalGraphRegressor

    kinds: tuple[type[MultimodalEstimator], ...]
    kinds = (MultimodalGraphClassifier, MultimodalGraphRegressor)
    estimator_class = {kind.__name__: kind for kind in kinds}[config["estimator"]]
    parameters = config["parameters"]
    parameters["relations"] = _read_relations(parameters["relations"])
    parameters["conv"] = conv if conv is not None else _find_conv(path, parameters["conv"])
    parameters["fusion"] = fusion if fusion is not None else _find_fusion(path, parameters)
    estimator = estimator_class(**parameters)
    estimator.modalities_ = load_modalities(path / _MODALITIES, config["modalities"], modalities)
    estimator.modalities = [
        type(modality)(**each["parameters"])
        for each, modality in zip(config["modalities"], estimator.modalities_, strict=True)
    ]
    estimator._restore_targets(config["targets"])
    estimator.feature_names_in_ = np.array(config["features"], dtype=object)
    estimator.n_features_in_ = len(estimator.feature_names_in_)
    estimator.history_ = config["history"]
    estimator.facts_ = config.get("facts", {})
    return estimator


def _read_config(path: Path, newest: int | None = FORMAT) -> dict[str, Any]:
    inside = path / _CONFIG
    text = archive.read_member(path, _CONFIG) if path.is_file() else None
    if text is None and not inside.is_file():
        raise DataError(
            f"{path}: expected a folder with {_CONFIG}, or such a folder in one file that ends in "
            f"{archive.SUFFIX}, as `save` writes it"
        )
    try:
        config: dict[str, Any] = json.loads(inside.read_bytes() if text is None else text)
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


def _write_relations(chosen: Mapping[Any, Relation] | None) -> list[Any] | None:
    if chosen is None:
        return None
    return [[list(edge), *_write_relation(each)] for edge, each in chosen.items()]


def _write_relation(relation: Relation) -> list[Any]:
    kind = type(relation)
    if getattr(relations, kind.__name__, None) is not kind or kind in (Custom, EdgeList):
        raise TypeError(
            f"only mmgraph's own relations, without functions and lists, can be saved: {relation!r}"
        )
    values = {field.name: getattr(relation, field.name) for field in dataclasses.fields(kind)}
    return [
        kind.__name__,
        {k: _write_relation(v) if isinstance(v, Relation) else v for k, v in values.items()},
    ]


def _read_relations(written: list[Any] | None) -> dict[Any, Relation] | None:
    if written is None:
        return None
    return {tuple(edge): _read_relation(kind, values) for edge, kind, values in written}


def _read_relation(kind: str, values: dict[str, Any]) -> Relation:
    inner = {k: _read_relation(*v) if isinstance(v, list) else v for k, v in values.items()}
    relation: Relation = getattr(relations, kind)(**inner)
    return relation


def _name_of(conv: Callable[..., nn.Module] | None) -> str | None:
    """Return the name of a convolution, which is all of it that is saved."""
    return None if conv is None else getattr(conv, "__name__", type(conv).__name__)


def _find_fusion(path: Path, parameters: dict[str, Any]) -> Callable[..., Fusion] | None:
    """Return mmgraph's class of that name."""
    from mmgraph.nn import fusion

    name = parameters["fusion"]
    if name is None:
        return None
    if not hasattr(fusion, name):
        raise DataError(
            f"{path}: was made with the fusion {name!r}, which is not one of mmgraph's; pass it: "
            "load(path, fusion=...)"
        )
    return getattr(fusion, name)


def _find_conv(path: Path, name: str | None) -> Callable[[int, int], nn.Module] | None:
    """Return PyG's class of that name."""
    if name is None:
        return None
    from torch_geometric import nn as pyg

    from mmgraph.message_passing.gnn import transformer_conv

    if name == transformer_conv.__name__:
        return transformer_conv
    if not hasattr(pyg, name):
        raise DataError(
            f"{path}: was made with the convolution {name!r}, which is not one of PyG's; pass it: "
            "load(path, conv=...)"
        )
    return getattr(pyg, name)
