"""What older formats call otherwise, and how their models are read in today's words.

Each change of format is one `Step` in `STEPS`: tables of names, old to new, and a function for what
no table can say. A model goes through all steps from the format it was written in to today's.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmgraph.errors import DataError
from mmgraph.version import __version__

_Names = Mapping[str, str]
_Config = dict[str, Any]


@dataclass(frozen=True)
class Step:
    """What one format calls otherwise in the next one.

    Args:
        arguments: Arguments of the estimator.
        classes: Estimators, modalities, relations, fusions and convolutions.
        fields: By the class (its new name), the arguments of modalities and relations.
        weights: How names of tensors begin; the first beginning that fits is replaced.
        change: Changes the rest of a config, in place, when all names are new.
    """

    arguments: _Names = field(default_factory=dict)
    classes: _Names = field(default_factory=dict)
    fields: Mapping[str, _Names] = field(default_factory=dict)
    weights: _Names = field(default_factory=dict)
    change: Callable[[_Config], None] | None = None


#: What format 1 had beside `training` and `fusion`, which have it now. Options of the fusion were
#: passed on where they differed from these.
FLAT_TRAINING = ("epochs", "batch_size", "accumulate", "learning_rate", "modality_dropout")
FLAT_FUSION = {
    "num_layers": 2,
    "conv": None,
    "relations": None,
    "readout": "attention",
    "dropout": 0.2,
    "execution": "auto",
}


def nest_parameters(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters in which those of training and fusion are where they belong.

    Example:
        >>> flat = {"fusion": None, "dropout": 0.2, "num_layers": 1, "epochs": 3, "refit": True}
        >>> nested = nest_parameters(flat)
        >>> nested["fusion"], nested["training"]
        ({'kind': 'GraphFusion', 'options': {'num_layers': 1}}, {'epochs': 3})
    """
    training = {name: flat[name] for name in FLAT_TRAINING if name in flat}
    options = {k: flat[k] for k, x in FLAT_FUSION.items() if k in flat and flat[k] != x}
    others = {k: x for k, x in flat.items() if k not in training and k not in FLAT_FUSION}
    kind = flat["fusion"] or "GraphFusion"
    return {**others, "fusion": {"kind": kind, "options": options}, "training": training}


def _nest(config: _Config) -> None:
    config["parameters"] = nest_parameters(config["parameters"])


def _without_neighbours(config: _Config) -> None:
    """Neighbours voted on request only, and the graph was always kept."""
    parameters = config["parameters"]
    parameters["neighbours"] = parameters.pop("cross_fit", False) and parameters["neighbours"]
    parameters.setdefault("graph", True)


#: The step from format 1 to format 2, from 2 to 3, and so on.
STEPS: tuple[Step, ...] = (
    Step(
        arguments={"additive": "linear"},
        weights={"additive.bags.": "linear.pooled.", "additive.": "linear."},
        change=_nest,
    ),
    Step(change=_without_neighbours),
)

#: Of today's models.
FORMAT = 1 + len(STEPS)


def upgrade(config: _Config) -> _Config:
    """Return a saved model's config as today's format has it."""
    config = copy.deepcopy(config)
    for step in _steps(config["format"]):
        config["estimator"] = step.classes.get(config["estimator"], config["estimator"])
        config["parameters"] = _renamed(config["parameters"], step.arguments)
        _rename_parts(step, config["parameters"])
        config["modalities"] = [_modality(step, each) for each in config["modalities"]]
        if step.change is not None:
            step.change(config)
    return config | {"format": FORMAT}


def _rename_parts(step: Step, parameters: _Config) -> None:
    """Rename classes of convolutions, fusions and relations, in place."""
    fusion = parameters.get("fusion")
    if isinstance(fusion, dict):  # with options, since format 2
        fusion["kind"] = step.classes.get(fusion["kind"], fusion["kind"])
        fusion["options"] = _renamed(fusion["options"], step.fields.get(fusion["kind"], {}))
        _rename_parts(step, fusion["options"])
    for name in ("conv", "fusion"):
        if isinstance(parameters.get(name), str):
            parameters[name] = step.classes.get(parameters[name], parameters[name])
    if parameters.get("relations"):
        found = [[edge, *_relation(step, *each)] for edge, *each in parameters["relations"]]
        parameters["relations"] = found


def upgrade_modalities(saved: Iterable[_Config], written: int) -> list[_Config]:
    """Return what `save_modalities` returned in a format as today's has it."""
    for step in _steps(written):
        saved = [_modality(step, each) for each in saved]
    return list(saved)


def upgrade_weights(tensors: Mapping[str, Any], written: int) -> dict[str, Any]:
    """Return the tensors of a format by the names that today's model has for them.

    Example:
        >>> list(upgrade_weights({"additive.bags.text.0.idf": 1, "head.bias": 2}, 1))
        ['linear.pooled.text.0.idf', 'head.bias']
    """
    for step in _steps(written):
        tensors = {_begun(name, step.weights): value for name, value in tensors.items()}
    return dict(tensors)


def check_arguments(
    kind: Callable[..., Any], given: Mapping[str, Any], writer: str, path: str | Path
) -> None:
    """Check that a class has all arguments that a saved model gives it.

    Args:
        kind: An estimator, a modality or a relation.
        given: Values by the names of the arguments.
        writer: Version of mmgraph that wrote the model.
        path: Where it lies.

    Raises:
        DataError: It lacks one; the message names it, and what it is called today.
    """
    known = inspect.signature(kind).parameters
    if any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values()):
        return
    for name in given:
        if name not in known:
            raise DataError(f"{path}: {_unknown(kind.__name__, name, known, writer)}")


def _unknown(kind: str, name: str, known: Iterable[str], writer: str) -> str:
    wrote = f"written by mmgraph {writer}, and this is mmgraph {__version__}"
    today = name
    for step in STEPS:
        today = _today(step, kind, today)
    if today != name and today in known:
        return f"{wrote}: argument {name} of {kind} is now {today}; rename it in the config"
    return (
        f"{wrote}: unknown argument {name} of {kind}; read it with the version that wrote it, or "
        f"fit the model again (known are {', '.join(known)})"
    )


def _today(step: Step, kind: str, name: str) -> str:
    return step.fields.get(kind, {}).get(name, step.arguments.get(name, name))


def _steps(written: int) -> tuple[Step, ...]:
    """Return the steps from a format to today's; none from today's own, or from a newer one."""
    return STEPS[max(written, 1) - 1 :]


def _modality(step: Step, saved: _Config) -> _Config:
    kind = step.classes.get(saved["type"], saved["type"])
    return saved | {
        "type": kind,
        "parameters": _renamed(saved["parameters"], step.fields.get(kind, {})),
    }


def _relation(step: Step, kind: str, values: Mapping[str, Any] | None) -> list[Any]:
    """Return class and settings; those of a relation that could not be written are None."""
    kind = step.classes.get(kind, kind)
    if values is None:
        return [kind, None]
    inner = {key: _inner(step, value) for key, value in values.items()}
    return [kind, _renamed(inner, step.fields.get(kind, {}))]


def _inner(step: Step, value: Any) -> Any:
    """Return a relation within another one as format 2 has it; format 1 had class and settings."""
    if isinstance(value, dict):
        value = [value["relation"], value["settings"]]
    elif not (isinstance(value, list) and len(value) == 2 and isinstance(value[1], dict)):
        return value
    kind, settings = _relation(step, *value)
    return {"relation": kind, "settings": settings}


def _renamed(values: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


def _begun(name: str, beginnings: _Names) -> str:
    for old, new in beginnings.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
