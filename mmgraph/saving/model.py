"""Fitted estimators on disk: a folder of JSON, safetensors and tokenizer files, no pickle.

A path that ends in `.mmgraph` gets the same folder as one file, see `mmgraph.saving.archive`.

config.json           versions, parameters, classes, modalities and their JSON state
model.safetensors     every tensor of the model
README.md             the model card: data, held-out scores, versions, limits
training_rows.json    names of the training rows that vote, how their texts begin, where their
                      pictures lie; may be deleted
modalities/<name>/    what each modality wrote: tokenizers, statistics, frozen backbones
SHA256SUMS            checksums of all these files but the card and the training rows
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmgraph.data.known_rows import KnownRows
from mmgraph.errors import DataError, quote, reason
from mmgraph.fitted import FittedModel
from mmgraph.links.reading import links_of, without_linked_rows
from mmgraph.message_passing.convs.names import ConvLike
from mmgraph.modalities.base import Modality
from mmgraph.nn.build import NetworkOptions, build_model
from mmgraph.nn.fusion.names import FusionLike
from mmgraph.nn.outputs import Outputs
from mmgraph.saving import archive, card
from mmgraph.saving.bounds import bounded
from mmgraph.saving.checksums import check_checksums, write_checksums
from mmgraph.saving.folder import check_place, new_folder, to_bytes
from mmgraph.saving.modalities import load_modalities, save_modalities
from mmgraph.saving.parameters import read_parameters, write_parameters
from mmgraph.saving.relations import GivenRelations
from mmgraph.saving.renames import FORMAT, upgrade, upgrade_weights
from mmgraph.system.atomic import check_writable, followed, heal
from mmgraph.version import __version__

_CONFIG, _WEIGHTS, _MODALITIES = "config.json", "model.safetensors", "modalities"
_CARD = "README.md"
_ROWS = "training_rows.json"

#: Characters of a version.
_LONGEST_VERSION = 40


@dataclass(frozen=True, eq=False)
class SavedEstimator:
    """An estimator as it is saved.

    Args:
        estimator: Name of its class.
        parameters: What it was made with.
        fitted: Its fitted model.
        history: Metrics of each epoch with held-out rows.
        writer: Version of mmgraph that wrote it.
    """

    estimator: str
    parameters: dict[str, Any]
    fitted: FittedModel
    history: list[dict[str, int | float]]
    writer: str = __version__


def save(saved: SavedEstimator, path: Path, *, overwrite: bool) -> None:
    """Write an estimator; nothing is left half written if that fails.

    Args:
        saved: The estimator.
        path: The folder or file to write.
        overwrite: Replace a model that is already there.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
    """
    try:
        with new_folder(path, overwrite, mine=_is_model) as folder:
            _write(saved, folder)
    except Exception as error:
        error.add_note(
            "The fitted model is still in memory, and what was at the path is as it was: mend this "
            "and call save again, or save it elsewhere."
        )
        raise


def check_model_place(path: Path, *, overwrite: bool) -> None:
    """Refuse a path before the work begins that `save` would refuse after it.

    Raises:
        FileExistsError: Something is there already that may not be overwritten.
        OSError: Nothing can be written there.
    """
    check_writable(check_place(path, overwrite, mine=_is_model))


def _is_model(path: Path) -> bool:
    try:
        _read_config(path, newest=None)
    except DataError:  # many programs write a config.json
        return False
    return True


def _write(saved: SavedEstimator, folder: Path) -> None:
    from safetensors.torch import save_file

    fitted = saved.fitted
    modalities = save_modalities(fitted.modalities, folder / _MODALITIES)
    config = {
        "format": FORMAT,
        "mmgraph": __version__,
        "estimator": saved.estimator,
        "parameters": write_parameters(saved.parameters),
        "modalities": modalities,
        "targets": fitted.outputs.describe(),
        "features": list(fitted.features),
        "history": saved.history,
        "facts": fitted.facts,
    }
    (folder / _CONFIG).write_bytes(to_bytes(config))
    tensors = {name: value.contiguous() for name, value in fitted.network.state_dict().items()}
    save_file(tensors, folder / _WEIGHTS)
    if fitted.known_rows is not None:
        (folder / _ROWS).write_bytes(to_bytes(fitted.known_rows.to_json()))
    page = card.write_card(fitted, saved.estimator, saved.parameters)
    (folder / _CARD).write_text(page, "utf-8", errors="backslashreplace")
    write_checksums(folder, free=[_CARD, _ROWS])


def load(
    path: Path,
    *,
    conv: ConvLike | None = None,
    fusion: FusionLike | None = None,
    relations: GivenRelations = (),
    modalities: Sequence[type[Modality]] = (),
) -> SavedEstimator:
    """Read an estimator; see `mmgraph.load`."""
    heal(followed(path))
    while True:
        before = _identify(path)
        try:
            saved = _load(
                path, conv=conv, fusion=fusion, relations=relations, modalities=modalities
            )
        except DataError:
            if _identify(path) == before:
                raise
        else:
            if _identify(path) == before:
                return saved
        # Another one took its place meanwhile, so parts of both may have been read.


def _identify(path: Path) -> tuple[int, ...] | None:
    """Return what tells a file or folder from one that took its place."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns


def _load(
    path: Path,
    *,
    conv: ConvLike | None,
    fusion: FusionLike | None,
    relations: GivenRelations,
    modalities: Sequence[type[Modality]],
) -> SavedEstimator:
    from safetensors.torch import load_file

    config = _read_config(path)
    held = archive.unpacked(path) if path.is_file() else None
    folder = path if held is None else held.path
    with _named(folder, path):
        check_checksums(folder, needed=(_CONFIG, _WEIGHTS))
        try:
            today = upgrade(config)
            with bounded(folder, today):
                saved = _read_description(
                    folder,
                    today,
                    conv=conv,
                    fusion=fusion,
                    relations=relations,
                    modalities=modalities,
                )
        except DataError:
            raise
        except Exception as error:  # whatever a lacking or altered file leads to
            raise DataError(
                f"{folder}: damaged, save it again: {reason(error)} ({_writers(config)})"
            ) from error
        weights = folder / _WEIGHTS
        try:
            tensors = upgrade_weights(load_file(weights), config["format"])
            saved.fitted.network.load_state_dict(tensors)
        except Exception as error:
            raise DataError(
                f"{weights}: damaged, or of another model ({_writers(config)}): {reason(error)}"
            ) from error
    saved.fitted.network.eval()
    for modality in saved.fitted.modalities:
        modality.files_ = held
    return saved


def _writers(config: Mapping[str, Any]) -> str:
    """Say who wrote a model and who reads it."""
    return f"written by mmgraph {config['mmgraph']}, read by {__version__}"


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
    conv: ConvLike | None,
    fusion: FusionLike | None,
    relations: GivenRelations,
    modalities: Sequence[type[Modality]],
) -> SavedEstimator:
    """Return the estimator with its fitted modalities, and a network whose weights are to come."""
    writer = config["mmgraph"]
    parameters = read_parameters(
        path,
        config["parameters"],
        conv=conv,
        fusion=fusion,
        relations=relations,
        writer=writer,
    )
    fitted = load_modalities(path / _MODALITIES, config["modalities"], modalities, writer=writer)
    parameters["modalities"] = [
        type(modality)(**each["parameters"])
        for each, modality in zip(config["modalities"], fitted, strict=True)
        if modality in without_linked_rows(fitted)
    ]
    links = links_of(fitted)
    if links is not None:
        parameters["links"] = links
    outputs = Outputs.restore(config["targets"])
    network = build_model(fitted, outputs.make_task(), NetworkOptions.choose(parameters))
    return SavedEstimator(
        config["estimator"],
        parameters,
        FittedModel(
            modalities=fitted,
            network=network,
            outputs=outputs,
            features=config["features"],
            facts=config.get("facts", {}),
            batch_size=parameters["training"].batch_size,
            known_rows=_read_rows(path / _ROWS),
        ),
        config["history"],
        writer,
    )


def _read_rows(path: Path) -> KnownRows | None:
    """Return what was kept of the training rows; None where nothing was, or it was deleted."""
    if not path.is_file():
        return None
    try:
        return KnownRows.from_json(json.loads(path.read_bytes()))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: damaged: {error}") from error


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
        config["format"] = version = int(config["format"])
        writer = config["mmgraph"]
        if not isinstance(writer, str) or len(writer) > _LONGEST_VERSION:
            raise TypeError(f"the version is {quote(writer)}")
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise DataError(f"{path / _CONFIG}: damaged, save it again: {reason(error)}") from error
    if version < 1:
        raise DataError(f"{path / _CONFIG}: damaged, save it again: there is no format {version}")
    if newest is not None and version > newest:
        raise DataError(
            f"{path}: written by mmgraph {writer}, which is newer than this mmgraph "
            f"{__version__}; upgrade with pip install -U mmgraph"
        )
    return config
