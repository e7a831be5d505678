"""The terminal: whatever names, paths and cells hold is shown as it is, and nothing of it acts.

All that a command prints goes through here. Rich would read square brackets as markup, and a
terminal obeys control characters.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from mmgraph.errors import printable

#: What JSON may hold as it is, and a terminal obeys.
_ACTING_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def open_console(*, stderr: bool = False, quiet: bool = False) -> Console:
    """Return a console that reads no markup in texts."""
    return Console(stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False)


def shown(value: object, style: str = "") -> Text:
    """Return a value as a text to print."""
    return Text(printable(value), style)


def labelled(label: str, style: str, message: object) -> Text:
    """Return a message after a coloured word."""
    return Text.assemble((f"{label}: ", style), printable(message))


def to_json(value: Any) -> str:
    """Return one line of JSON; NaN and infinities are null."""
    text = json.dumps(_finite(value), ensure_ascii=False)
    return _ACTING_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _finite(value: Any) -> Any:
    """Return what JSON can hold: no number is NaN or infinite in it."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value
