"""What only `fit` knows of a model, in a form that JSON holds."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

from jaxtyping import Shaped
from torch import Tensor

from mmgraph.nn.task import Task
from mmgraph.version import __version__

_PACKAGES = ("torch", "torch-geometric", "lightning", "numpy", "pandas", "timm", "transformers")


def collect_facts(
    task: Task,
    rows_with: Mapping[str, int],
    target: Shaped[Tensor, "rows *outputs"],
    *,
    held_out_rows: int,
    held_out: Mapping[str, float],
    truth: Any,
    groups: Any,
) -> dict[str, Any]:
    """Return what only `fit` knows, in a form that JSON holds.

    Args:
        task: What is predicted.
        rows_with: Number of training rows that have something of each modality.
        target: Target of each row, as the task encodes it.
        held_out_rows: How many of the rows were held out.
        held_out: Loss and metric on them, of the model that was fitted on the others.
        truth: The targets as they were given, for the names of their columns.
        groups: The groups as they were given, or None.
    """
    return {
        "rows": len(target),
        "rows_with": dict(rows_with),
        "label": _column_names(truth),
        "groups": _column_names(groups),
        "targets": task.summarise(target),
        "held_out_rows": held_out_rows,
        "held_out": dict(held_out),
        "versions": _versions(),
    }


def _column_names(values: Any) -> str | list[str] | None:
    """Return the name of a column, the names of several, or None where there are none."""
    if getattr(values, "ndim", 1) == 2:
        columns = getattr(values, "columns", None)
        return None if columns is None else [str(column) for column in columns]
    name = getattr(values, "name", None)
    return name if isinstance(name, str) else None


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "mmgraph": __version__}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
