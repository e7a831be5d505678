"""What a command says: messages and progress on stderr, results on stdout."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mmgraph.cli.options import OUTPUT, option
from mmgraph.cli.terminal import labelled, open_console, shown, to_json
from mmgraph.errors import printable

logger = logging.getLogger("mmgraph")

#: Warnings that are shown before the rest is only counted.
_MOST_WARNINGS = 5


@dataclass
class Report:
    """Where a command's messages and results go.

    Args:
        quiet: No messages, no warnings and no progress; results and errors only.
        as_json: The result is one JSON object, for scripts.
    """

    quiet: Annotated[
        bool,
        option(
            "--quiet",
            "-q",
            panel=OUTPUT,
            help="No progress, messages and warnings; errors remain.",
        ),
    ] = False
    as_json: Annotated[
        bool, option("--json", panel=OUTPUT, help="Print the result as one JSON object.")
    ] = False

    @cached_property
    def _messages(self) -> Console:
        return open_console(stderr=True, quiet=self.quiet)

    def say(self, message: str) -> None:
        """Show a message."""
        self._messages.print(shown(message), soft_wrap=True)

    def show(self, result: Mapping[str, Any], *pages: RenderableType) -> None:
        """Show a result: as an object for scripts, or as pages for people."""
        if self.as_json:
            sys.stdout.write(to_json(result) + "\n")
        else:
            open_console().print(*pages, sep="\n")

    def summary(self, result: Mapping[str, Any], *pages: RenderableType) -> None:
        """Show what was done, unless all is to be quiet."""
        if self.as_json or not self.quiet:
            self.show(result, *pages)

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Callable[[int], None]]:
        """Within the block, show how many of some rows are done; yields what counts them."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
        )
        # Where nobody watches, a bar would only fill a log.
        hidden = self.quiet or not self._messages.is_terminal
        with Progress(*columns, console=self._messages, transient=True, disable=hidden) as bar:
            task = bar.add_task(printable(what), total=total)
            yield lambda count: bar.advance(task, count)

    @contextmanager
    def messages(self) -> Iterator[None]:
        """Within the block, show mmgraph's messages, and its first few warnings."""
        count = 0

        def show(message: Warning | str, *_: Any, **__: Any) -> None:
            nonlocal count
            count += 1
            if count <= _MOST_WARNINGS:
                self._messages.print(labelled("warning", "yellow", message), soft_wrap=True)

        handler = logging.Handler()
        handler.emit = lambda record: self.say(record.getMessage())  # type: ignore[method-assign]
        level, before = logger.level, warnings.showwarning
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        warnings.showwarning = show
        try:
            yield
        finally:
            warnings.showwarning = before
            logger.setLevel(level)
            logger.removeHandler(handler)
            if count > _MOST_WARNINGS:
                self.say(f"and {count - _MOST_WARNINGS} more warnings")


def table(title: str, rows: Sequence[Sequence[Any]], *, head: Sequence[str] = ()) -> Table:
    """Return a table to show; without heads, its first column names what the second one says."""
    made = Table(
        title=shown(title), title_justify="left", title_style="bold", show_header=bool(head)
    )
    for place, name in enumerate(head or ("", "")):
        numbers = bool(rows) and all(_is_number(row[place]) for row in rows)
        made.add_column(
            shown(name),
            style="cyan" if place == 0 else None,
            justify="right" if numbers else "left",
            overflow="fold",
        )
    for row in rows:
        made.add_row(*map(shown, row))
    return made


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
