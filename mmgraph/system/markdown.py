"""Texts of others within Markdown: shown as they are, whatever they look like."""

from __future__ import annotations

import re

from mmgraph.errors import printable

#: What may begin a mark, a link, an element or a formula in one dialect or another.
_MARKS = re.compile(r"([\\`*\[\]<|~$]|(?<![^\W_])_|_(?![^\W_]))")

#: What GitHub makes links of without any mark.
_LINKS = {"://": "&#58;//", "www.": "www&#46;"}


def escape(text: object) -> str:
    r"""Return a text for a line or a cell of a table.

    Example:
        >>> print(escape("a|b <b>C++</b>"))
        a\|b \<b>C++\</b>
    """
    line = _MARKS.sub(r"\\\1", " ".join(printable(text).splitlines()).replace("&", "&amp;"))
    for link, plain in _LINKS.items():
        line = re.sub(re.escape(link), plain, line, flags=re.IGNORECASE)
    return line


def code(text: object) -> str:
    """Return a text as code; within a table, `cell` belongs around it.

    Example:
        >>> code("label"), code("a`b")
        ('`label`', '`` a`b ``')
    """
    line = " ".join(printable(text).splitlines())
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    space = " " if longest or not line.strip() else ""
    return f"{fence}{space}{line}{space}{fence}"


def cell(markdown: str) -> str:
    r"""Return Markdown, such as code, for a cell of a table.

    Example:
        >>> print(cell(code("a|b")))
        `a\|b`
    """
    return markdown.replace("|", r"\|")
