"""Faces: packages that hand on the public names of their modules, imported when first used."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

#: What `hand_on` returns: `__all__`, `__getattr__` and `__dir__` of the face.
Face = tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]


def hand_on(face: str, module_of: Mapping[str, str], rooms: Sequence[str] = ()) -> Face:
    """Return `__all__`, `__getattr__` and `__dir__` of a package that imports nothing itself.

    The face repeats the table as imports under `TYPE_CHECKING`, which is what type checkers and
    editors read; there `__getattr__` must not be seen, since it would have them accept any name.

    Args:
        face: Name of the package, its `__name__`.
        module_of: Where each public name is defined.
        rooms: Modules and packages below the face that are attributes of it without an import.

    Example:
        >>> names, get, _ = hand_on("mmgraph.system", {"written_at_once": "mmgraph.system.atomic"})
        >>> names, get("written_at_once").__module__
        (['written_at_once'], 'mmgraph.system.atomic')
        >>> get("written_at_one")
        Traceback (most recent call last):
        AttributeError: module 'mmgraph.system' has no attribute 'written_at_one'
    """
    names = list(module_of)

    def get(name: str) -> Any:
        if name not in module_of and name not in rooms:
            # Python's own message suggests the nearest name of `__dir__`.
            message = f"module {face!r} has no attribute {name!r}"
            raise AttributeError(message, name=name, obj=sys.modules[face])
        with warnings.catch_warnings():
            # PyG and torchvision on recent torch; nothing that a user could mend.
            warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
            if name in rooms:
                return importlib.import_module(f"{face}.{name}")
            value = getattr(importlib.import_module(module_of[name]), name)
        setattr(sys.modules[face], name, value)
        return value

    return names, get, lambda: sorted({*names, *rooms})
