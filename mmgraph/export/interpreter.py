"""Runs a program file of `torch.export` operator by operator.

A program is a list of operators with names for what they take and give. Torch's own reader makes
Python code of the file and runs it, with expressions and conditions of whoever made the file;
here nothing of the file becomes code. The operators and their order are the same, and so is what
they compute.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from mmgraph.errors import DataError
from mmgraph.export.operators import find_operator
from mmgraph.export.program import Inputs
from mmgraph.export.pt2 import DTYPES

#: Where the file names the weights that are inputs of the graph, by kind of input.
_WEIGHTS = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}

_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_PLAIN = ("as_int", "as_float", "as_bool", "as_string")
_PLAIN_LISTS = ("as_ints", "as_floats", "as_bools", "as_strings")
_TENSORS = ("as_tensor", "as_tensors", "as_optional_tensors")
_SIZES = ("as_sym_int", "as_sym_float", "as_sym_bool")


@dataclass(frozen=True)
class Reference:
    """A value of the program by its name."""

    name: str


@dataclass
class Step:
    """One operator: what it takes, what its results are called, and what is needed no more."""

    operator: Callable[..., Any]
    arguments: list[Any]
    keywords: dict[str, Any]
    results: Any
    last: list[str] = field(default_factory=list)


class Interpreter:
    """A program that is run operator by operator.

    Args:
        module: The graph module of the file.
        tensors: Its weights and constants by name.
        names: Names of the tensors the program takes, in order.

    Raises:
        DataError: It uses something that is not known to be safe.
    """

    def __init__(
        self, module: Mapping[str, Any], tensors: Mapping[str, Tensor], names: Sequence[str]
    ) -> None:
        graph, signature = module["graph"], module["signature"]
        self._weights: dict[str, Tensor] = {}
        self._inputs: list[str] = []
        for spec in signature["input_specs"]:
            self._read_input(spec, tensors)
        if len(self._inputs) != len(names):
            raise ValueError(f"it takes {len(self._inputs)} tensors, expected {len(names)}")
        self._names = list(names)
        self._steps = [_step(node) for node in graph["nodes"]]
        (output,) = signature["output_specs"]
        self._output = _argument(output["user_output"]["arg"])
        if not isinstance(self._output, Reference):
            raise ValueError("it gives something other than a tensor")
        _note_last_uses(self._steps, kept={self._output.name})

    def __call__(self, inputs: Inputs) -> Tensor:
        """Return the program's output.

        Args:
            inputs: Its tensors by name.
        """
        values: dict[str, Any] = dict(self._weights)
        values |= {own: inputs[name] for own, name in zip(self._inputs, self._names, strict=True)}
        for step in self._steps:
            arguments = [_resolve(each, values) for each in step.arguments]
            keywords = {name: _resolve(each, values) for name, each in step.keywords.items()}
            _bind(step.results, step.operator(*arguments, **keywords), values)
            for name in step.last:
                values.pop(name, None)
        output = values[self._output.name]
        assert isinstance(output, Tensor)
        return output

    def _read_input(self, spec: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        ((kind, described),) = spec.items()
        if kind in _WEIGHTS:
            self._weights[described["arg"]["name"]] = tensors[described[_WEIGHTS[kind]]]
        elif kind == "user_input" and "as_tensor" in described["arg"]:
            self._inputs.append(described["arg"]["as_tensor"]["name"])
        else:
            raise _unknown(f"an input that is a {kind}")


def _step(node: Mapping[str, Any]) -> Step:
    target = node["target"]
    operator = find_operator(target)
    arguments, keywords = [], {}
    by_keyword = _keywords(operator)
    for each in node["inputs"]:
        value = _argument(each["arg"])
        if each["name"] in by_keyword or each.get("kind") == 2:
            keywords[each["name"]] = value
        else:
            arguments.append(value)
    results = [_result(each) for each in node["outputs"]]
    names = results[0] if len(results) == 1 else results or None
    return Step(operator, arguments, keywords, names)


def _keywords(operator: Callable[..., Any]) -> set[str]:
    """Return the names of arguments that an operator takes by keyword only."""
    schema = getattr(operator, "_schema", None)
    return {each.name for each in schema.arguments if each.kwarg_only} if schema else set()


def _argument(described: Mapping[str, Any]) -> Any:
    """Return an argument, in which references stand for values of the program."""
    ((kind, value),) = described.items()
    if kind == "as_none":
        return None
    if kind in _PLAIN:
        return _plain(value)
    if kind in _PLAIN_LISTS:
        return [_plain(each) for each in value]
    if kind == "as_tensor":
        return Reference(value["name"])
    if kind == "as_tensors":
        return [Reference(each["name"]) for each in value]
    if kind == "as_optional_tensors":
        return [_argument(each) for each in value]
    if kind in _SIZES:
        return _size(value)
    if kind.endswith("s") and kind[:-1] in _SIZES:
        return [_size(each) for each in value]
    return _setting(kind, value)


def _setting(kind: str, value: Any) -> Any:
    if kind == "as_scalar_type":
        return DTYPES[value]
    if kind == "as_memory_format":
        return _MEMORY_FORMATS[value]
    if kind == "as_layout" and value == 7:
        return torch.strided
    if kind == "as_device" and value["type"] == "cpu":
        return torch.device("cpu")
    raise _unknown(f"an argument that is {kind!r:.40}")


def _plain(value: Any) -> bool | int | float | str:
    if isinstance(value, str) and value in ("Infinity", "-Infinity", "NaN"):
        return float(value.replace("Infinity", "inf"))
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"an argument is a {type(value).__name__}")
    return value


def _size(described: Mapping[str, Any]) -> Any:
    ((kind, value),) = described.items()
    return Reference(value) if kind == "as_name" else _plain(value)


def _result(described: Mapping[str, Any]) -> Any:
    """Return the name of a result, a list of names, or None where there is none."""
    value = _argument(described)
    if isinstance(value, Reference):
        return value.name
    if isinstance(value, list) and all(isinstance(each, Reference) for each in value):
        return [each.name for each in value]
    if value is None:
        return None
    raise ValueError("an operator's result has no name")


def _resolve(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, Reference):
        return values[argument.name]
    if isinstance(argument, list):
        return [_resolve(each, values) for each in argument]
    return argument


def _bind(names: Any, results: Any, values: dict[str, Any]) -> None:
    if isinstance(names, list):
        for name, result in zip(names, results, strict=True):
            _bind(name, result, values)
    elif names is not None:
        values[names] = results


def _note_last_uses(steps: list[Step], kept: set[str]) -> None:
    """Note at each step which values no later one takes, so that memory is freed."""
    seen = set(kept)
    for step in reversed(steps):
        names = {each.name for each in _references([step.arguments, [*step.keywords.values()]])}
        names |= set(_flat(step.results))
        step.last = sorted(names - seen)
        seen |= names


def _references(argument: Any) -> list[Reference]:
    if isinstance(argument, Reference):
        return [argument]
    return (
        [each for part in argument for each in _references(part)]
        if isinstance(argument, list)
        else []
    )


def _flat(names: Any) -> list[str]:
    if isinstance(names, list):
        return [each for part in names for each in _flat(part)]
    return [] if names is None else [names]


def _unknown(what: str) -> DataError:
    return DataError(
        f"has {what}, which cannot be checked; load it with trusted=True if you trust whoever made "
        "it"
    )
