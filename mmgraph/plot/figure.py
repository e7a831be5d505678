"""A figure that shows itself: in notebooks without magics, in scripts by `show()`."""

from __future__ import annotations

import io
import sys
import warnings
from importlib import import_module
from typing import Any

from matplotlib.figure import Figure


class ShownFigure(Figure):
    """A figure of matplotlib that needs no pyplot to be seen.

    Made without pyplot, which keeps every figure in memory until it is closed.
    """

    def _repr_png_(self) -> bytes:
        """Return the picture that notebooks show where a cell ends with the figure."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", bbox_inches="tight")
        return picture.getvalue()

    def show(self, warn: bool = True) -> None:
        """Show the picture: below the cell of a notebook, else in a window.

        A script goes on when the window is closed.

        Args:
            warn: Where there is neither, say how to save the picture.
        """
        if _in_notebook():
            import_module("IPython.display").display(self)
        elif not self._open_window() and warn:
            warnings.warn(
                "no window can be opened here; save the picture with figure.savefig('figure.png')",
                stacklevel=2,
            )

    def _open_window(self) -> bool:
        """Open a window and wait for it; return False where there is no screen."""
        from matplotlib import pyplot

        window: Any = pyplot.figure(figsize=tuple(self.get_size_inches()))
        if window.canvas.required_interactive_framework is None:
            pyplot.close(window)
            return False
        # Only pyplot makes windows, and only around figures of its own.
        canvas = window.canvas.manager.canvas
        canvas.figure = self
        self.set_canvas(canvas)
        pyplot.show()
        return True


def _in_notebook() -> bool:
    """Return whether a kernel of Jupyter runs this; IPython in a terminal shows no pictures."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")
