"""Links along sequences: turns of a dialogue, frames of a story, visits of a patient."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence as Listed
from dataclasses import KW_ONLY, dataclass

from mmgraph.links.base import Edges, FoundLinks, LinkKind, RowKeys, check_most

_Place = tuple[float, str]


@dataclass(frozen=True)
class Sequence(LinkKind):
    """Rows of one dialogue, thread or series, which see those before and after them.

    The relations are `<column>_past` and `<column>_future`; with a speaker these are divided into
    `_past_same`, `_past_other`, `_future_same` and `_future_other`, as in DialogueGCN
    (https://arxiv.org/abs/1908.11540). A node knows how many steps away the other row is.

    Args:
        column: The column with the name of the sequence that a row belongs to.
        order: The column that rows are in order by: numbers, or texts such as dates that are in
            order as texts. Rows at the same place do not see each other.
        speaker: The column that says who speaks; None: no such difference. Default: None.
        past: Most rows before it that a row sees. Default: 8.
        future: Most rows after it that a row sees; 0 where predictions cannot wait for them.
            Default: 8.

    Raises:
        ValueError: `past` or `future` is no number of rows.

    Example:
        >>> from mmgraph import MultimodalGraphClassifier
        >>> links = [Sequence("dialogue", order="turn", speaker="speaker")]
        >>> clf = MultimodalGraphClassifier(links=links)
    """

    column: str
    _: KW_ONLY
    order: str
    speaker: str | None = None
    past: int = 8
    future: int = 8

    def __post_init__(self) -> None:
        check_most(self, past=self.past, future=self.future)

    @property
    def columns(self) -> list[str]:
        """The columns of sequence, order and speaker."""
        return [self.column, self.order, *([] if self.speaker is None else [self.speaker])]

    @property
    def relations(self) -> list[str]:
        """Past and future, of the same speaker and of others."""
        who = [""] if self.speaker is None else ["_same", "_other"]
        times = [name for name, most in self._reach.items() if most]
        return [f"{self.column}_{time}{each}" for time in times for each in who]

    @property
    def _reach(self) -> dict[str, int]:
        return {"past": self.past, "future": self.future}

    def find(self, rows: RowKeys) -> FoundLinks:
        """Return the links to rows before and after."""
        places = _in_order(rows.cells[self.order])
        known = {
            (name, places[row])
            for row in range(rows.known)
            if (name := rows.first(self.column, row)) is not None
        }
        members: dict[str, list[tuple[_Place, int]]] = {}
        lost = 0
        for row in range(rows.length):
            name, place = rows.first(self.column, row), places[row]
            if name is None or place is None:
                lost += row >= rows.known
            elif row < rows.known or (name, place) not in known:
                members.setdefault(name, []).append((place, row))
        for each in members.values():
            each.sort()
        found: dict[str, list[tuple[int, int, int]]] = {name: [] for name in self.relations}
        for row in rows.asked:
            name, place = rows.first(self.column, row), places[row]
            if name is not None and place is not None:
                self._add(found, rows, row, members.get(name, []), place)
        said = f"{lost} rows have no sequence or no place in it" if lost else ""
        return FoundLinks([Edges.of(name, each) for name, each in found.items()], said)

    def _add(
        self,
        found: dict[str, list[tuple[int, int, int]]],
        rows: RowKeys,
        row: int,
        members: Listed[tuple[_Place, int]],
        place: _Place,
    ) -> None:
        begin = bisect_left(members, place, key=lambda each: each[0])
        end = bisect_right(members, place, key=lambda each: each[0])
        past = [each for _, each in members[max(0, begin - self.past) : begin]][::-1]
        future = [each for _, each in members[end : end + self.future]]
        for time, seen in (("past", past), ("future", future)):
            for step, other in enumerate(seen, start=1):
                relation = f"{self.column}_{time}{self._who(rows, row, other)}"
                found[relation].append((row, other, step))

    def _who(self, rows: RowKeys, row: int, other: int) -> str:
        if self.speaker is None:
            return ""
        first, second = (rows.first(self.speaker, each) for each in (row, other))
        return "_same" if first is not None and first == second else "_other"


def _in_order(cells: Listed[Listed[str]]) -> list[_Place | None]:
    """Return values that sort as numbers where all are numbers, else as texts; None for none."""
    texts = [cell[0] if cell else None for cell in cells]
    try:
        return [None if text is None else (float(text), "") for text in texts]
    except ValueError:
        return [None if text is None else (0.0, text) for text in texts]
