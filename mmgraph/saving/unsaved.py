"""What a saved model would lack, said before it is fitted."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmgraph.data.infer import KINDS
from mmgraph.errors import DataError, reason
from mmgraph.graph.relations import Relation
from mmgraph.modalities.base import Modality
from mmgraph.nn.fusion.choice import FusionChoice
from mmgraph.nn.readout import READOUTS, Readout
from mmgraph.saving.code import name_of, named_conv, named_fusion
from mmgraph.saving.folder import plain
from mmgraph.saving.modalities import describe_modality
from mmgraph.saving.relations import read_relations, why_not_saved
from mmgraph.system.plugins import find_functions, find_plugins


def warn_of_code(fusion: FusionChoice, modalities: Iterable[Modality] = ()) -> None:
    """Warn once of what is code, which `save` leaves out, with what `load` needs.

    Args:
        fusion: The estimator's fusion with its options.
        modalities: The estimator's modalities, fitted or not.

    Raises:
        DataError: A class or function has the name of one of mmgraph's or PyG's, which `load` would
            take in its place.
    """
    options = fusion.options
    modalities = list(modalities)
    _refuse_names_taken(fusion, modalities)
    lacking: dict[str, str] = {}
    if not _is_found(options.get("conv"), named_conv):
        lacking["conv"] = _show(options["conv"])
    kind = _show(fusion.kind)
    if callable(options.get("readout")):
        lacking["fusion"] = f"{kind}.options(readout={_show(options['readout'])})"
    elif not _is_found(fusion.kind, named_fusion):
        lacking["fusion"] = kind
    lacking |= _lacking_relations(options.get("relations") or {})
    own = {each.__name__: each for each in KINDS} | find_plugins(Modality)
    kinds = [type(each) for each in modalities]
    unknown = dict.fromkeys(each.__name__ for each in kinds if own.get(each.__name__) is not each)
    if unknown:
        lacking["modalities"] = f"[{', '.join(unknown)}]"
    if lacking:
        given = ", ".join(f"{name}={value}" for name, value in lacking.items())
        warnings.warn(
            f"{', '.join(lacking)}: code is not saved with a model; to load this one, call "
            f"load(path, {given}), or name the module of the classes by add_plugin (in a shell: "
            "--plugin)",
            stacklevel=3,
        )


def _refuse_names_taken(fusion: FusionChoice, modalities: Iterable[Modality]) -> None:
    kinds = {each.__name__: each for each in KINDS}
    taken: list[tuple[str, Any, Any]] = [
        ("modalities", type(each), kinds.get(type(each).__name__)) for each in modalities
    ]
    readout = fusion.options.get("readout")
    if callable(readout) and name_of(readout) in READOUTS:
        taken.append(("readout", readout, Readout))
    for name, code, find in (
        ("conv", fusion.options.get("conv"), named_conv),
        ("fusion", fusion.kind, named_fusion),
    ):
        if callable(code):
            taken.append((name, code, _found(code, find)))
    for name, code, other in taken:
        if other is not None and other is not code and not _is_plugin(other):
            raise DataError(
                f"{name}: {_show(code)} has the name of another one in "
                f"{getattr(other, '__module__', 'mmgraph').split('.')[0]}, which would be loaded "
                "with a saved model in its place; rename the class or the function"
            )


def _is_plugin(code: Any) -> bool:
    return code in find_plugins(object).values() or code in find_functions().values()


def _found(code: Any, find: Callable[[str], Any]) -> Any:
    try:
        return find(name_of(code))
    except DataError:
        return None


def _is_found(code: Any, find: Callable[[str], Any]) -> bool:
    """Say whether loading a model finds the same class or function by its name."""
    if code is None or isinstance(code, str):
        return True
    return _found(code, find) is code


def _show(code: Any) -> str:
    name = getattr(code, "__name__", "...")
    return name if name.isidentifier() else "..."


def _lacking_relations(relations: Mapping[Any, Relation]) -> dict[str, str]:
    if any(why_not_saved(each) for each in relations.values()):
        return {"relations": "{...}"}
    unknown = []
    for each in relations.values():
        name = type(each).__name__
        try:
            read_relations([[("", "", ""), name, {}]])
        except DataError:
            unknown.append(name)
        except TypeError:  # it is known, and needs its settings
            continue
    return {"relations": f"[{', '.join(dict.fromkeys(unknown))}]"} if unknown else {}


def warn_of_state(modalities: Sequence[Modality]) -> None:
    """Warn of fitted modalities whose choices or state cannot be written.

    Args:
        modalities: Fitted modalities; those of mmgraph are known to be saved.
    """
    problems = [
        f"{type(each).__name__}: {problem}"
        for each in modalities
        if type(each) not in KINDS and (problem := _why_not_written(each))
    ]
    if problems:
        warnings.warn(
            f"this model cannot be saved as it is: {'; '.join(problems)} "
            "(mmgraph.testing.check_modality tells more)",
            stacklevel=4,
        )


def _why_not_written(modality: Modality) -> str | None:
    try:
        json.dumps(describe_modality(modality), default=plain)
    except (TypeError, ValueError) as error:
        return f"a choice cannot be written as JSON ({reason(error)}); keep to numbers and texts"
    learnt = [name for name in vars(modality) if name.endswith("_") and name != "several_"]
    if learnt and type(modality).save is Modality.save:
        return f"`fit` sets {', '.join(learnt)}, and `save` writes nothing; define save and load"
    with tempfile.TemporaryDirectory() as folder:
        try:
            json.dumps(modality.save(Path(folder)), default=plain)
        except Exception as error:  # whatever a class does there
            return f"`save` fails: {type(error).__name__}: {reason(error)}"
    return None
