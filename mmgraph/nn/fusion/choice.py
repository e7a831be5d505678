"""A fusion that is yet to be made, with the arguments that were chosen for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from mmgraph.errors import unknown_name
from mmgraph.system.choices import check_call

#: Called with (modalities with their relations, channels) and options; makes a `Fusion`.
FusionFactory = Callable[..., nn.Module]


@dataclass(frozen=True)
class FusionChoice:
    """A class or function that makes a fusion, and the arguments that were chosen on purpose.

    `ConcatFusion.options(dropout=0.5)` makes one. What is chosen is passed on, whatever its value;
    what is not is left to the fusion's own defaults.

    Args:
        kind: Called with (modalities with their relations, channels) and the options.
        options: Arguments of it by name. Default: {}.

    Raises:
        ValueError: The fusion does not take one of the options, or its value is none of its
            choices.

    Example:
        >>> from mmgraph.nn import LateFusion
        >>> choice = FusionChoice(LateFusion, {"weighting": "learned"})
        >>> choice.parameters()
        {'readout': 'attention', 'dropout': 0.2, 'weighting': 'learned'}
        >>> choice.changed(dropout=0.5)
        LateFusion.options(weighting='learned', dropout=0.5)
    """

    kind: FusionFactory
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", dict(self.options))
        taken = self._defaults()
        for name in self.options:
            if taken is not None and name not in taken:
                about = unknown_name("argument", name, taken)
                raise ValueError(f"fusion={self.name} does not take {name}=; {about}")
        check_call(self.kind, self.options)
        check = getattr(self.kind, "check_options", None)
        if check is not None:
            check(self.options)

    @property
    def name(self) -> str:
        """Name of the class or function."""
        return getattr(self.kind, "__name__", None) or repr(self.kind)

    def parameters(self) -> dict[str, Any]:
        """Return all arguments with the values they have: what was chosen, and defaults."""
        known = {
            k: x for k, x in (self._defaults() or {}).items() if x is not inspect.Parameter.empty
        }
        return {**known, **self.options}

    def try_at(self, channels: int) -> None:
        """Refuse options that nothing can be made of, as far as modalities need not be known.

        Raises:
            ValueError: The message names the option.
        """
        check = getattr(self.kind, "check_made", None)
        if check is not None:
            check(self.options, channels)

    def changed(self, **options: Any) -> FusionChoice:
        """Return the fusion with other options, and those of before where nothing is said."""
        return FusionChoice(self.kind, {**self.options, **options})

    def taken_by(self, kind: FusionFactory) -> FusionChoice:
        """Return another fusion with the options of this one that it takes as well."""
        taken = FusionChoice(kind)._defaults()
        options = {k: x for k, x in self.options.items() if taken is None or k in taken}
        return FusionChoice(kind, options)

    def __call__(self, modalities: Mapping[str, Any], channels: int) -> Any:
        """Make the fusion.

        Args:
            modalities: The relations among the nodes of each modality, by name.
            channels: Features of every node.
        """
        return self.kind(modalities, channels, **self.options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        return f"{self.name}.options({options})"

    def _defaults(self) -> dict[str, Any] | None:
        """Return what is taken beside modalities and channels; None where that is anything."""
        parameters = list(inspect.signature(self.kind).parameters.values())
        if any(each.kind is each.VAR_KEYWORD for each in parameters):
            return None
        return {each.name: each.default for each in parameters[2:]}
