"""Links among rows that share a value: products of a seller, pictures of an album."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from mmgraph.links.base import (
    MOST,
    Edges,
    FoundLinks,
    LinkKind,
    RowKeys,
    check_most,
    first_places,
    some_of,
)


@dataclass(frozen=True)
class SameValue(LinkKind):
    """Rows that have the same value in a column see each other; of a list, any value.

    Args:
        column: The column.
        key: The column with each row's own key. With it, a training row that is predicted again
            does not see its copy, whose target is known. None: every row is one by itself.
            Default: None.
        most: Most rows that a row sees; of more, some. Default: 32.

    Raises:
        ValueError: `most` is no number of rows.

    Example:
        >>> from mmgraph import MultimodalGraphClassifier
        >>> clf = MultimodalGraphClassifier(links=[SameValue("seller")])
    """

    column: str
    _: KW_ONLY
    key: str | None = None
    most: int = MOST

    def __post_init__(self) -> None:
        check_most(self, most=self.most)

    @property
    def columns(self) -> list[str]:
        """The column with the values, and that of the keys."""
        return [self.column, *([] if self.key is None else [self.key])]

    @property
    def relations(self) -> list[str]:
        """One, called as the column."""
        return [self.column]

    def find(self, rows: RowKeys) -> FoundLinks:
        """Return the links of rows that share a value."""
        keys: list[str | None] = [None] * rows.length
        standing = list(range(rows.length))
        if self.key is not None:
            places = first_places(rows.cells[self.key])
            keys = [rows.first(self.key, row) for row in standing]
            standing = [row if name is None else places[name] for row, name in enumerate(keys)]
        sharing: dict[str, tuple[list[int], list[int]]] = {}
        for row in range(rows.length):
            if standing[row] == row:
                for value in dict.fromkeys(rows.cells[self.column][row]):
                    sharing.setdefault(value, ([], []))[row >= rows.known].append(row)
        found = []
        for row in rows.asked:
            seen: dict[int, None] = {}
            for value in rows.cells[self.column][row]:
                known, others = sharing.get(value, ([], []))
                # One more than is kept, for the row may be among them.
                seen.update(dict.fromkeys(some_of(known, others, self.most + 1, keys[row])))
            kept = sorted(seen.keys() - {row, standing[row]})
            found += [(row, other, 0) for other in kept[: self.most]]
        return FoundLinks([Edges.of(self.column, found)])
