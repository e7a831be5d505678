"""`--plugin`, which every command takes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

from mmgraph.cli.options import INPUTS, option

_Plugins = Annotated[
    list[str] | None,
    option(
        "--plugin",
        metavar="MODULE",
        panel=INPUTS,
        help="A module, or .py file, of your own with modalities, fusions, relations, "
        "convolutions, explainers or readers; imported before the command runs.",
        default="those that installed packages name",
    ),
]


def with_plugins(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes `--plugin` as well, and imports these modules first.

    Args:
        command: A function that typer calls, all of whose arguments are given by name.
    """

    @functools.wraps(command)
    def run(*, plugin: list[str] | None = None, **given: Any) -> None:
        from mmgraph.system.plugins import add_plugin

        for name in plugin or ():
            add_plugin(name)
        command(**given)

    signature = inspect.signature(command)
    more = inspect.Parameter(
        "plugin", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_Plugins
    )
    run.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), more]
    )
    return run
