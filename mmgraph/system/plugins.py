"""Plug-ins: classes and functions of other packages, which are found by their names.

They come from modules that `add_plugin` is given (in a shell: `--plugin`), and from installed
packages that name theirs as entry points of the group "mmgraph.plugins".
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from mmgraph.errors import DataError

#: The entry points by which installed packages name their plug-ins.
GROUP = "mmgraph.plugins"

#: Classes and functions by their names.
_added: dict[str, Any] = {}


def add_plugin(plugin: ModuleType | type | Callable[..., Any] | str) -> None:
    """Make a class or function, or those of a module, known to mmgraph by name.

    Saved models that use them can then be loaded without naming them, and so can modalities,
    fusions, relations, convolutions, explainers and readers in a shell. Dense forms are used
    wherever their convolution runs.

    Args:
        plugin: A class, a function, a module (of which all in `__all__` counts; without that, all
            that it or its submodules define), or the name or the path of a module to import.

    Raises:
        DataError: The module cannot be imported or defines nothing, or another plug-in has the
            same name.
    """
    found = _import(plugin) if isinstance(plugin, str) else plugin
    if not isinstance(found, ModuleType):
        _add(found)
        return
    values = list(_public(found))
    if not values:
        raise DataError(
            f"the plug-in {found.__name__} defines no class and no function; name the module that "
            "does, or list what it hands on in __all__"
        )
    for value in values:
        _add(value)


def find_plugins(kind: type) -> dict[str, Any]:
    """Return the classes of plug-ins that are of a kind, by their names; none that is abstract."""
    return {
        name: value
        for name, value in _all().items()
        if isinstance(value, type) and issubclass(value, kind) and not inspect.isabstract(value)
    }


def find_functions(prefix: str = "") -> dict[str, Callable[..., Any]]:
    """Return the functions of plug-ins whose names begin so, by their names."""
    return {
        name: value
        for name, value in _all().items()
        if name.startswith(prefix) and inspect.isfunction(value)
    }


def _all() -> dict[str, Any]:
    _add_installed()
    return _added


@functools.cache
def _add_installed() -> None:
    """Add what installed packages name; one that fails is left out with a warning."""
    for entry in metadata.entry_points(group=GROUP):
        try:
            add_plugin(entry.load())
        except Exception as error:  # whatever a package does when it is imported
            warnings.warn(
                f"the plug-in {entry.name} ({entry.value}) is left out, since it cannot be "
                f"imported: {type(error).__name__}: {error}",
                stacklevel=2,
            )


def _add(value: Any) -> None:
    name = value.__name__
    other = _added.get(name, value)
    if (other.__module__, other.__qualname__) != (value.__module__, value.__qualname__):
        raise DataError(
            f"two plug-ins are called {name}, of {other.__module__} and {value.__module__}; rename "
            "one of them"
        )
    _added[name] = value


def _public(module: ModuleType) -> Iterable[Any]:
    inside = (module.__name__, f"{module.__name__}.")
    named = getattr(module, "__all__", None)
    for name in vars(module) if named is None else named:
        value = getattr(module, name)
        if not isinstance(value, type) and not inspect.isfunction(value):
            continue
        home = f"{value.__module__}."
        if named is not None or (not name.startswith("_") and home.startswith(inside[1])):
            yield value


def _import(name: str) -> ModuleType:
    """Import a module by its name, from the working folder as well, or by its path."""
    path = Path(name).absolute()
    try:
        if name.endswith(".py"):
            return _import_file(path)
        # Last, so that no file of the folder takes the place of an installed module.
        if (folder := str(Path.cwd())) not in sys.path:
            sys.path.append(folder)
        return importlib.import_module(name)
    except Exception as error:  # whatever a module does when it is imported
        raise DataError(
            f"the plug-in {name} cannot be imported: {type(error).__name__}: {error}; name a "
            "module that is installed or in the working folder, or the path of its .py file"
        ) from error


def _import_file(path: Path) -> ModuleType:
    known = sys.modules.get(path.stem)
    if known is not None:
        if getattr(known, "__file__", None) == str(path):
            return known
        raise ImportError(f"there is a module {path.stem} already; rename the file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and PyG look there for the names and the source of a class.
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module
