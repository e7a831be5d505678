"""Programs as files: torch's own format, and ONNX."""

from __future__ import annotations

import importlib
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from mmgraph.errors import ExportError, MissingPackageError
from mmgraph.export.interpreter import Interpreter
from mmgraph.export.onnx_files import check_files
from mmgraph.export.program import Inputs, Program
from mmgraph.export.pt2 import read_pt2
from mmgraph.export.recurrent import any_length

Format: TypeAlias = Literal["torch", "onnx"]
Run: TypeAlias = Callable[[Inputs], Float[Tensor, "batch outputs"]]

#: The file of each format.
FILES: dict[str, str] = {"torch": "model.pt2", "onnx": "model.onnx"}

_INSTALL = 'pip install "mmgraph[export]"'


def write_program(
    program: Program,
    inputs: Inputs,
    axes: Mapping[str, Mapping[int, Any]],
    path: Path,
    form: Format,
) -> None:
    """Trace a program and write it.

    Args:
        program: The program.
        inputs: Tensors to trace it with; no axis of any size may be shorter than 2.
        axes: The axes of each tensor that may have any size.
        path: The file to write.
        form: Its format.

    Raises:
        ExportError: Torch cannot trace the program; the message says where.
        MissingPackageError: The packages for ONNX are not installed.
    """
    if form == "onnx":
        _need("onnxscript", "onnx")
    shapes = {"inputs": {name: dict(axes[name]) for name in inputs}}
    with torch.no_grad(), any_length(), _quiet():
        try:
            traced = torch.export.export(program, (inputs,), dynamic_shapes=shapes, strict=False)
            if form == "torch":
                torch.export.save(_stripped(traced, inputs), path)
            else:
                _write_onnx(traced, list(inputs), path)
        except Exception as error:  # of many kinds, from deep inside torch
            raise ExportError(_explain(error)) from error


def open_program(path: Path, form: Format, names: Sequence[str], trusted: bool = False) -> Run:
    """Return a written program as a function.

    Args:
        path: The file.
        form: Its format.
        names: Names of the tensors it takes.
        trusted: Torch itself reads a program of its format, which can run code of the file.

    Raises:
        DataError: It uses something that is not known to be safe.
        MissingPackageError: onnxruntime is not installed.
    """
    if form == "torch" and trusted:
        module = torch.export.load(path).module()
        return lambda inputs: module({name: inputs[name] for name in names})
    if form == "torch":
        return Interpreter(*read_pt2(path), names)
    check_files(path)
    session = _need("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])

    def run(inputs: Inputs) -> Tensor:
        arrays = {name: inputs[name].numpy() for name in names}
        return torch.from_numpy(session.run(None, arrays)[0])

    return run


def _stripped(traced: torch.export.ExportedProgram, inputs: Inputs) -> torch.export.ExportedProgram:
    """Leave out what is of the one who exports: the rows it was traced with, and paths of code."""
    zeros = {name: torch.zeros_like(value) for name, value in inputs.items()}
    traced.example_inputs = ((zeros,), {})
    for node in traced.graph.nodes:
        node.meta.pop("stack_trace", None)
    return traced


def _write_onnx(traced: torch.export.ExportedProgram, names: Sequence[str], path: Path) -> None:
    made = torch.onnx.export(traced, dynamo=True, verbose=False)
    assert made is not None
    for given, name in zip(made.model.graph.inputs, names, strict=True):
        given.name = name
    made.model.graph.outputs[0].name = "outputs"
    made.save(str(path))


def _need(*names: str) -> Any:
    """Import packages and return the first.

    Raises:
        MissingPackageError: One is not installed.
    """
    try:
        first, *_ = [importlib.import_module(name) for name in names]
    except ImportError as error:
        raise MissingPackageError(f"ONNX needs {' and '.join(names)}; {_INSTALL}") from error
    return first


def _explain(error: Exception) -> str:
    """Say in one sentence where tracing stopped."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reason = lines[0] if lines else type(error).__name__
    return (
        f"a part of the model cannot be exported: {reason[:300]}; modalities, relations and "
        "fusions of your own must not turn values into sizes or choices (a modality's encoder "
        "ends with `items.nodes(x)`)"
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Within the block, what exporters say to their developers is not shown."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
