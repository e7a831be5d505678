"""Which arguments of an estimator are its fusion's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from mmgraph.nn.fusion import Fusion

#: Called with (modalities with their relations, channels), and the graph's options it takes.
FusionFactory = Callable[..., Fusion]

#: Arguments of the graph that other fusions may share.
GRAPH_OPTIONS = ("num_layers", "conv", "relations", "readout", "dropout", "execution")


def fusion_options(estimator: Any, fusion: FusionFactory) -> dict[str, Any]:
    """Return the arguments of the graph that were chosen, all of which the fusion must take.

    Args:
        estimator: A classifier or regressor.
        fusion: What takes the graph's place.

    Raises:
        ValueError: The fusion does not take one of them.
    """
    defaults = inspect.signature(type(estimator)).parameters
    chosen = {name: getattr(estimator, name) for name in GRAPH_OPTIONS}
    chosen = {name: x for name, x in chosen.items() if x != defaults[name].default}
    taken = inspect.signature(fusion).parameters
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        return chosen
    for name in chosen:
        if name not in taken:
            called = getattr(fusion, "__name__", repr(fusion))
            raise ValueError(f"fusion={called} does not take {name}=; leave out one of them")
    return chosen
