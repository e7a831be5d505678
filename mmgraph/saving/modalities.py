"""Fitted modalities on disk."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmgraph.data.infer import KINDS
from mmgraph.errors import DataError
from mmgraph.links.linked import LinkedRows
from mmgraph.modalities.base import Modality
from mmgraph.saving.renames import check_arguments
from mmgraph.system.plugins import find_plugins
from mmgraph.version import __version__


def save_modalities(modalities: Sequence[Modality], folder: Path) -> list[dict[str, Any]]:
    """Write fitted modalities into folders of theirs; return what JSON can hold of them."""
    saved = []
    for modality in modalities:
        inside = folder / modality.node_type
        inside.mkdir(parents=True)
        state = {"state": modality.save(inside), "several": modality.several_}
        saved.append(describe_modality(modality) | state)
    return saved


def load_modalities(
    folder: Path,
    saved: Sequence[dict[str, Any]],
    modalities: Sequence[type[Modality]] = (),
    *,
    call: str = "load",
    writer: str = __version__,
) -> list[Modality]:
    """Return the fitted modalities that `save_modalities` wrote.

    Args:
        folder: The folder they are in.
        saved: What it returned, in today's words; see `renames.upgrade_modalities`.
        modalities: Classes besides mmgraph's own and those of plug-ins.
        call: The function that takes such classes, for the message.
        writer: Version of mmgraph that wrote them, for the message.

    Raises:
        DataError: The class of one is not known, or has no argument of that name.
    """
    kinds: tuple[type[Modality], ...] = (*KINDS, LinkedRows, *modalities)
    known = find_plugins(Modality) | {kind.__name__: kind for kind in kinds}
    loaded = []
    for each in saved:
        if each["type"] not in known:
            raise DataError(
                f"{folder.parent}: uses the modality {each['type']:.80}; pass its class, "
                f"{call}(path, modalities=[{each['type']:.80}]), or name its module by add_plugin "
                "(in a shell: --plugin)"
            )
        kind = known[each["type"]]
        check_arguments(kind, each["parameters"], writer, folder.parent)
        modality = kind(**each["parameters"])
        modality = modality.load(folder / modality.node_type, each["state"])
        modality.several_ = each["several"]
        loaded.append(modality)
    return loaded


def describe_modality(modality: Modality) -> dict[str, Any]:
    """Return the class of a modality and what the user chose."""
    assert dataclasses.is_dataclass(modality)
    fields = [field.name for field in dataclasses.fields(modality) if field.init]
    values = {name: getattr(modality, name) for name in fields}
    plain = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
    return {"type": type(modality).__name__, "parameters": plain}
