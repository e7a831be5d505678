"""A model's config is bounded by its weights: whoever made it cannot ask for more than is there.

config.json says how large a network is to be built. Without bounds, one number in it takes all
memory. While a model is read, modules may register about as many tensors as its files hold, and
no tensor may be much larger than all files together.
"""

from __future__ import annotations

import itertools
import json
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules import module as registration
from torch.utils._python_dispatch import TorchDispatchMode

from mmgraph.errors import DataError, reason
from mmgraph.nn.encoders.tabular import FIRST_CATEGORY

#: Tensors are registered anew where a part is changed while it is built.
_TIMES, _MORE = 4, 256

#: Bytes of a tensor that no bound looks at.
_SMALL = 32 << 20

#: Modalities' and estimators' parameters, of which large ones cost time and memory later.
_MOST = {"size": 4096, "max_tokens": 1 << 16, "batch_size": 1 << 20, "max_seconds": 86_400}

#: What names of columns and categories are.
_PLAIN = (str, int, float, type(None))

#: What parameters of modalities are, besides None; where lists are among them, so are their items.
_KINDS: dict[str, tuple[type, ...]] = {
    "columns": (str, int, float, list),
    "stop_words": (str, list),
    "features": (str,),
    "weights": (str,),
    "root": (str,),
    "name": (str,),
}

#: Levels of lists and objects.
_MOST_DEPTH = 32


@contextmanager
def bounded(folder: Path, config: Mapping[str, Any]) -> Iterator[None]:
    """Within the block, what is built of a config is bounded by the files of its model.

    Args:
        folder: The model's folder.
        config: What its config.json holds.

    Raises:
        DataError: The config holds what no saved model does, or more is built.
    """
    check_config(folder, config)
    tensors, size = _weights(folder)
    counter = _Counter(folder, _TIMES * tensors + _MORE)
    hooks = [
        registration.register_module_parameter_registration_hook(counter),
        registration.register_module_buffer_registration_hook(counter),
        registration.register_module_module_registration_hook(counter),
    ]
    try:
        with _Sizes(folder, _TIMES * size + _SMALL):
            yield
    finally:
        for hook in hooks:
            hook.remove()


def check_config(folder: Path, config: Mapping[str, Any]) -> None:
    """Raise DataError where a config holds what no saved model does."""
    problems = itertools.chain(
        _problems(config, "config.json"),
        _name_problems(config.get("estimator"), config.get("features")),
        *(
            _modality_problems(each)
            for each in config.get("modalities") or ()
            if type(each) is dict
        ),
    )
    problem = next(problems, None)
    if problem is not None:
        raise DataError(f"{folder}: damaged, save it again: {problem}; no saved model has that")


class _Counter:
    """Counts what modules register in this thread.

    Args:
        folder: The model's folder, for the message.
        most: Registrations that are allowed of each kind.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self.left = folder, 3 * most
        self.thread = threading.get_ident()

    def __call__(self, module: nn.Module, name: str, value: Any) -> None:
        if threading.get_ident() != self.thread:
            return
        self.left -= 1
        if self.left < 0:
            raise DataError(
                f"{self.folder}: its config.json describes a larger network than its weights are "
                "for; it is damaged or made to fill the memory"
            )


class _Sizes(TorchDispatchMode):
    """Refuses to make tensors of more than some bytes."""

    def __init__(self, folder: Path, most: int) -> None:
        super().__init__()
        self.folder, self.most = folder, most

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        sizes = args[0] if args and isinstance(args[0], list | tuple) else ()
        if all(isinstance(each, int) for each in sizes) and 4 * math.prod(sizes) > self.most:
            raise DataError(
                f"{self.folder}: its config.json describes a tensor of the shape "
                f"{list(sizes)!r:.60}, larger than all its weights"
            )
        return func(*args, **(kwargs or {}))


def _weights(folder: Path) -> tuple[int, int]:
    """Return how many tensors a model's files hold, and the bytes of all files."""
    tensors = size = 0
    for path in folder.rglob("*"):
        if path.is_file():
            size += path.stat().st_size
            if path.suffix == ".safetensors":
                tensors += _count_tensors(path)
    return tensors, size


def _count_tensors(path: Path) -> int:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > path.stat().st_size:
            raise DataError(f"{path}: damaged, save it again: it is cut off")
        try:
            return len(json.loads(file.read(length)))
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{path}: damaged, save it again: {reason(error)}") from error


def _problems(value: Any, where: str, depth: int = 0) -> Iterator[str]:
    """Yield what is wrong with a part of a config."""
    if depth > _MOST_DEPTH:
        yield f"{where} is nested more than {_MOST_DEPTH} levels deep"
    elif isinstance(value, dict):
        yield from _named_problems(value, where)
        for key, each in value.items():
            yield from _problems(each, f"{where}: {key!r:.40}", depth + 1)
    elif isinstance(value, list):
        for each in value:
            yield from _problems(each, where, depth + 1)
    elif isinstance(value, float) and not math.isfinite(value) and "history" not in where:
        yield f"{where} is {value}"
    elif isinstance(value, int) and value.bit_length() > 63:
        yield f"{where} is a number of {value.bit_length()} bits"


def _named_problems(values: dict[str, Any], where: str) -> Iterator[str]:
    for key, most in _MOST.items():
        value = values.get(key)
        if value is not None and not (type(value) in (int, float) and 0 < value <= most):
            yield f"{where}: {key!r} is {value!r:.40}, expected 1 to {most}"
    backbone = values.get("backbone")
    if backbone is not None and not (isinstance(backbone, str) and backbone.isprintable()):
        yield f"{where}: 'backbone' is {backbone!r:.40}"
    elif isinstance(backbone, str) and (":" in backbone or "/" in backbone):
        # Such names would be looked up on a server, or in a folder.
        yield f"{where}: 'backbone' is {backbone!r:.80}, which would be fetched"
    if "kind" in values and "name" in values:
        yield from _column_problems(values, where)


def _name_problems(estimator: Any, features: Any) -> Iterator[str]:
    if not isinstance(estimator, str):
        yield f"config.json: 'estimator' is {estimator!r:.80}"
    if not isinstance(features, list) or not all(isinstance(each, _PLAIN) for each in features):
        yield f"config.json: 'features' is {features!r:.80}"


def _modality_problems(described: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a modality's parameters, and with the ids of its categories."""
    parameters, state = described["parameters"], described["state"]
    for key, kinds in _KINDS.items():
        value = parameters.get(key) if isinstance(parameters, dict) else None
        values = value if isinstance(value, list) and list in kinds else [value]
        plain = tuple(kind for kind in (*kinds, type(None)) if kind is not list)
        if not all(isinstance(each, plain) for each in values):
            yield f"config.json: {key!r} of a modality is {value!r:.80}"
    columns = state.get("columns") if isinstance(state, dict) else None
    expected = FIRST_CATEGORY
    for column in columns if isinstance(columns, list) else ():
        if isinstance(column, dict) and "first" in column:
            if type(column["first"]) is not int or column["first"] != expected:
                yield f"config.json: the categories of a column begin at {column['first']!r:.40}"
            expected += len(column.get("categories", ()))


def _column_problems(column: dict[str, Any], where: str) -> Iterator[str]:
    """Yield what is wrong with the state of a tabular column."""
    scale, categories = column.get("scale", 1), column.get("categories", [])
    if not isinstance(column["name"], _PLAIN):
        yield f"{where}: a column is called {column['name']!r:.40}"
    if not isinstance(scale, int | float) or isinstance(scale, bool) or not scale > 0:
        yield f"{where}: the scale of the column {column['name']!r:.40} is {scale!r:.40}"
    numbers = [column.get(key, 0) for key in ("center", "first")]
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers):
        yield f"{where}: the column {column['name']!r:.40} has {numbers!r:.80} for numbers"
    rare = column.get("rare", [])
    plain = all(
        isinstance(values, list) and all(isinstance(each, _PLAIN) for each in values)
        for values in (categories, rare)
    )
    if not plain or len({repr(each) for each in categories}) < len(categories):
        yield f"{where}: the column {column['name']!r:.40} has categories that are none, or twice"
