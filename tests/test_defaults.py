"""Docstrings of public classes name the default of every argument that has one."""

import ast
import dataclasses
import inspect
import re
from types import ModuleType

import pytest

import mmgraph
from mmgraph.estimator import MultimodalEstimator


def constructed():
    """Return the public classes of mmgraph that say themselves how they are made."""
    top = [getattr(mmgraph, name) for name in dir(mmgraph)]
    rooms = [each for each in top if isinstance(each, ModuleType)]
    values = [*top, *(getattr(room, name) for room in rooms for name in dir(room))]
    classes = {each for each in values if isinstance(each, type) and is_own(each)}
    return sorted(classes, key=lambda each: each.__qualname__)


def is_own(kind):
    # The pages of classifier and regressor explain what they share.
    made_here = "__init__" in vars(kind) and kind is not MultimodalEstimator
    return made_here and kind.__module__.startswith("mmgraph.") and not issubclass(kind, Exception)


def defaults(kind):
    """Return the defaults of a class's arguments by name."""
    fields = {each.name: each for each in getattr(kind, "__dataclass_fields__", {}).values()}
    found = {}
    for name, each in inspect.signature(kind).parameters.items():
        if each.default is not inspect.Parameter.empty:
            made = fields[name].default_factory if name in fields else dataclasses.MISSING
            found[name] = each.default if made is dataclasses.MISSING else made()
    return found


def arguments(text):
    """Return what a docstring says of each argument, on one line."""
    section = re.search(r"^Args:\n((?:    .*\n|\n)*)", f"{inspect.cleandoc(text)}\n", re.MULTILINE)
    entries = re.split(r"^    (?=\w+: )", section[1], flags=re.MULTILINE) if section else []
    named = (each.partition(": ") for each in entries if each.strip())
    return {name: " ".join(said.split()) for name, _, said in named}


def is_said(text, default):
    """Say whether what is said of an argument ends in its default."""
    found = re.search(r"Default: (.+)\.$", text)
    if found is None:
        return False
    try:
        written = ast.literal_eval(found[1])
    except ValueError:  # a name, or a call without arguments
        name = default.__name__ if callable(default) else f"{type(default).__name__}()"
        return found[1] == name
    return written == default and isinstance(written, type(default))


def undocumented(kind):
    said = {}
    for each in reversed(kind.__mro__):
        said |= arguments(each.__doc__ or "")
    return [
        f"{name}: Default: {default!r}."
        for name, default in defaults(kind).items()
        if not is_said(said.get(name, ""), default)
    ]


@pytest.mark.parametrize("kind", constructed(), ids=lambda kind: kind.__qualname__)
def test_defaults_are_said(kind):
    assert undocumented(kind) == []


def test_a_wrong_default_is_seen():
    class Wrong:
        """Wrong.

        Args:
            right: One that is
                right. Default: "a".
            wrong: Another number. Default: 1.
            kind: Same value, other type. Default: 1.
            silent: Nothing said.
        """

        def __init__(self, right="a", wrong=2, kind=True, silent=None, absent=0):
            pass

    names = [each.split(":")[0] for each in undocumented(Wrong)]
    assert names == ["wrong", "kind", "silent", "absent"]
