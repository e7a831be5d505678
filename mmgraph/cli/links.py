"""Links between rows, as a command line says them."""

from __future__ import annotations

from mmgraph.cli.options import Inputs
from mmgraph.errors import DataError
from mmgraph.links.base import LinkKind
from mmgraph.links.by_key import Link
from mmgraph.links.same_value import SameValue
from mmgraph.links.sequence import Sequence


def describe_links(inputs: Inputs) -> list[LinkKind] | None:
    """Return the links that were named; None where none were.

    Raises:
        DataError: One is not in the form that its help says.

    Example:
        >>> describe_links(Inputs(link=["parent_id=id"], sequence=["talk:turn"]))
        [Link(column='parent_id', key='id', most=32), \
Sequence(column='talk', order='turn', speaker=None, past=8, future=8)]
    """
    found = [
        *map(_by_key, inputs.link or ()),
        *map(_sequence, inputs.sequence or ()),
        *map(_same_value, inputs.same_value or ()),
    ]
    return found or None


def _by_key(given: str) -> LinkKind:
    column, _, key = given.partition("=")
    if not column or not key:
        raise DataError(f"--link {given}: expected COLUMN=KEY, such as parent_id=id")
    return Link(column, key=key)


def _sequence(given: str) -> LinkKind:
    parts = given.split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise DataError(
            f"--sequence {given}: expected COLUMN:ORDER or COLUMN:ORDER:SPEAKER, such as "
            "dialogue:turn:speaker"
        )
    return Sequence(parts[0], order=parts[1], speaker=parts[2] if len(parts) == 3 else None)


def _same_value(given: str) -> LinkKind:
    column, equals, key = given.partition("=")
    if not column or (equals and not key):
        raise DataError(f"--same-value {given}: expected COLUMN or COLUMN=KEY, such as seller=id")
    return SameValue(column, key=key or None)
