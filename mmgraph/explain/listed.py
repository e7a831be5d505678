"""Explanations of several rows: a list that shows itself."""

from __future__ import annotations

from mmgraph.explain.explanation import Explanation
from mmgraph.explain.wording import headline
from mmgraph.system.shown import MOST_LINES, paragraphs

#: Explanations within the page that a notebook shows, which it keeps in its file.
_MOST_IN_PAGE = 50


class Explanations(list[Explanation]):
    """A list of explanations, which notebooks show as the page; in all else a plain list."""

    def __repr__(self) -> str:
        if len(self) == 1:
            return f"[{self[0]!r}]"
        shown = self if len(self) < MOST_LINES else self[: MOST_LINES - 2]
        lines = [f"{len(self)} explanations", *(f"  {headline(each)}" for each in shown)]
        more = len(self) - len(shown)
        return "\n".join([*lines, f"  and {more} more"] if more else lines)

    def _repr_html_(self) -> str:
        """Return the page as notebooks show it, of the first explanations of many."""
        from mmgraph.explain.html import make_frame

        if not self:
            return paragraphs(["no explanations"])
        frame = make_frame(self[:_MOST_IN_PAGE])
        if len(self) <= _MOST_IN_PAGE:
            return frame
        note = (
            f"The first {_MOST_IN_PAGE} of {len(self)} explanations; "
            'mmgraph.explain.to_html(explanations, "page.html") writes all.'
        )
        return paragraphs([note]) + frame
