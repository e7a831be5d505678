"""An estimator's arguments as JSON holds them: classes and functions by their names."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from mmgraph.errors import DataError, quote
from mmgraph.message_passing.convs.names import ConvLike
from mmgraph.nn.fusion.choice import FusionChoice
from mmgraph.nn.fusion.names import FusionLike, find_fusion
from mmgraph.nn.readout import READOUTS
from mmgraph.saving.code import name_of, named_conv, named_fusion
from mmgraph.saving.relations import GivenRelations, read_relations, write_relations
from mmgraph.saving.renames import FLAT_FUSION, check_arguments
from mmgraph.training.settings import OPTIMIZERS, Training
from mmgraph.version import __version__

#: Arguments of an estimator that saved models have within `training` and `fusion`.
_IN_GROUPS = {each.name for each in fields(Training)} | FLAT_FUSION.keys()


def write_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON can hold of an estimator's parameters; modalities are kept elsewhere.

    Args:
        parameters: As `chosen_params` of the estimator returns them.
    """
    written = {**parameters, "modalities": None}
    written.pop("links", None)  # saved with the rows that they link
    choice: FusionChoice = parameters["fusion"]
    options = {name: name_of(value) for name, value in choice.options.items()}
    if "relations" in options:
        options["relations"] = write_relations(choice.options["relations"])
    written["fusion"] = {"kind": name_of(choice.kind), "options": options}
    training: Training = parameters["training"]
    written["training"] = {k: name_of(x) for k, x in training.parameters().items()}
    if isinstance(written.get("class_weight"), Mapping):  # labels may be numbers, keys may not
        written["class_weight"] = list(written["class_weight"].items())
    for key in ("log_dir", "checkpoint_dir"):
        written[key] = None if written[key] is None else str(written[key])
    return written


def read_parameters(
    path: Path,
    written: Mapping[str, Any],
    *,
    conv: ConvLike | None = None,
    fusion: FusionLike | None = None,
    relations: GivenRelations = (),
    writer: str = __version__,
) -> dict[str, Any]:
    """Return the parameters that `write_parameters` wrote.

    Args:
        path: Where they were read, for messages.
        written: The parameters.
        conv: The convolution, where it is not one of PyG's or mmgraph's.
        fusion: The fusion, where it or one of its options is not one of mmgraph's.
        relations: Classes of relations, or all relations, where they are not all mmgraph's.
        writer: Version of mmgraph that wrote them, for messages.

    Raises:
        DataError: Something of the user's own has to be given.
        ValueError: A value is out of its range, or the fusion does not take an option.
    """
    parameters = dict(written)
    for name in _IN_GROUPS & parameters.keys():
        raise DataError(
            f"{path}: config.json: 'parameters': {name!r} stands outside 'training' and 'fusion'; "
            "no saved model has that"
        )
    try:
        parameters["fusion"] = _read_fusion(parameters["fusion"], conv, fusion, relations)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if isinstance(parameters.get("class_weight"), list):
        parameters["class_weight"] = dict(parameters["class_weight"])
    training = dict(parameters["training"])
    check_arguments(Training, training, writer, path)
    if "optimizer" in training:
        training["optimizer"] = _find_optimizer(training["optimizer"])
    parameters["training"] = Training(**training)
    return parameters


def _read_fusion(
    written: Mapping[str, Any],
    conv: ConvLike | None,
    fusion: FusionLike | None,
    relations: GivenRelations,
) -> FusionChoice:
    given = None if fusion is None else find_fusion(fusion)
    options = dict(written["options"])
    if "relations" in options:
        options["relations"] = read_relations(options["relations"], relations)
    if conv is not None:
        options["conv"] = conv
    options |= {} if given is None else given.options
    if isinstance(options.get("conv"), str):
        options["conv"] = named_conv(options["conv"])
    readout = options.get("readout")
    if isinstance(readout, str) and readout not in READOUTS:
        raise DataError(
            f"was made with the readout {quote(readout)}, which is not one of mmgraph's; pass "
            f"it: load(path, fusion={written['kind']:.80}.options(readout=...))"
        )
    return FusionChoice(named_fusion(written["kind"]) if given is None else given.kind, options)


def _find_optimizer(name: str) -> Any:
    """Return the optimiser of that name: ours, or a class of torch's."""
    kind = getattr(torch.optim, name, None)
    if name in OPTIMIZERS:
        return name
    if isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer):
        return kind
    warnings.warn(
        f"the model was trained with the optimiser {quote(name)}, which is not one of torch's; it "
        'predicts as before, but would be trained again with "adamw"',
        stacklevel=2,
    )
    return "adamw"
