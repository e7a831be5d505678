"""Classes and functions of saved models, of which the names are saved and not the code."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmgraph.errors import DataError, quote
from mmgraph.message_passing.convs.names import CONVS
from mmgraph.nn.fusion.base import Fusion
from mmgraph.nn.fusion.names import FUSIONS
from mmgraph.system.plugins import find_functions, find_plugins


def name_of(value: Any) -> Any:
    """Return the name of a class or function, which is all of it that is saved."""
    return getattr(value, "__name__", type(value).__name__) if callable(value) else value


def named_conv(name: str) -> Any:
    """Return the convolution of a name: mmgraph's, PyG's class, or one of a plug-in.

    Raises:
        DataError: There is none.
    """
    if name in CONVS:
        return name
    from torch_geometric import nn as pyg

    ours = {make.__name__: make for make in CONVS.values()}
    theirs = getattr(pyg, name, None)
    if name in ours:
        return ours[name]
    if isinstance(theirs, type) and issubclass(theirs, nn.Module):
        return theirs
    return _of_plugins(
        name, nn.Module, f"the convolution {quote(name)}, which is not one of PyG's", "conv"
    )


def named_fusion(name: str) -> Any:
    """Return the fusion class of a name, mmgraph's or one of a plug-in.

    Raises:
        DataError: There is none.
    """
    ours = {kind.__name__: kind for kind in FUSIONS.values()}
    if name in ours:
        return ours[name]
    return _of_plugins(
        name, Fusion, f"the fusion {quote(name)}, which is not one of mmgraph's", "fusion"
    )


def _of_plugins(name: str, kind: type, what: str, argument: str) -> Any:
    known = {**find_functions(), **find_plugins(kind)}
    if name not in known:
        raise DataError(
            f"was made with {what}; pass it: load(path, {argument}=...), or name its module by "
            "add_plugin (in a shell: --plugin)"
        )
    return known[name]
