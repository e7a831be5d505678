"""What `fit` is called with besides rows: what is lacking or not taken is said in words."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from mmgraph.errors import quote
from mmgraph.estimator.arguments import Arguments
from mmgraph.nn.fusion.names import find_fusion

#: What other estimators take, and what there is in place of it.
_INSTEAD = {
    "sample_weight": "rows cannot be weighed: repeat those that count more "
    "(frame.loc[frame.index.repeat(times)]), or weigh classes by class_weight",
    "eval_set": "held-out rows are drawn from X, see validation=",
    "validation_data": "held-out rows are drawn from X, see validation=",
    "epochs": "pass it to the estimator: epochs=",
    "batch_size": "pass it to the estimator: batch_size=",
    "verbose": "pass it to the estimator: verbose=",
}


def refuse_others(others: Mapping[str, Any]) -> None:
    """Refuse arguments that `fit` does not take.

    Raises:
        TypeError: As Python has it for unknown arguments, with what to do in place of it.
    """
    for name in others:
        instead = _INSTEAD.get(name, "it takes X, y and groups")
        raise TypeError(f"fit() got an unexpected argument {name!r}: {instead}")


def require_targets(estimator: object, y: Any) -> None:
    """Refuse a fit without targets.

    Raises:
        ValueError: There are none.
    """
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None; pass "
            "the target of each row, or the name of its column: fit(frame, 'label')"
        )


def check_seed(seed: int) -> None:
    """Refuse seeds that not every source of random numbers takes.

    Raises:
        ValueError: It is negative or too large.
    """
    if not 0 <= seed < 2**32:
        raise ValueError(f"expected random_state from 0 to {2**32 - 1}, got {quote(seed)}")


def warn_of_idle(arguments: Arguments) -> None:
    """Warn of what was said of a fusion that is not even trained."""
    chosen, usual = arguments.chosen_fusion, find_fusion("graph")
    if arguments.graph or chosen == usual:
        return
    kind = [] if chosen.kind is usual.kind else ["fusion"]
    said = [f"{name}=" for name in (*kind, *chosen.options)]
    warnings.warn(
        f"graph=False: no fusion is trained, so that {' and '.join(said)} play no part; leave them "
        'out, or pass graph=True or "auto"',
        stacklevel=3,
    )
