"""Figures show themselves: below a cell of a notebook, in a window, or by saying how to save."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mmgraph import plot
from mmgraph.plot.figure import ShownFigure

HISTORY = [{"epoch": 0, "train_accuracy": 0.5, "val_accuracy": 0.4}]


def test_notebooks_show_figures_without_magics():
    figure = plot.plot_history(HISTORY)
    assert isinstance(figure, ShownFigure)
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert not pyplot.get_fignums()


def test_explanations_draw_figures_that_show_themselves(make_explanation):
    explanation = make_explanation("a red cat")
    assert isinstance(explanation.plot(), ShownFigure)


def test_no_screen_says_how_to_save():
    figure = plot.plot_history(HISTORY)
    with pytest.warns(UserWarning, match="savefig"):
        figure.show()
    figure.show(warn=False)
    assert not pyplot.get_fignums()


def test_scripts_open_a_window(monkeypatch):
    shown = []
    monkeypatch.setattr(FigureCanvasAgg, "required_interactive_framework", "test")
    monkeypatch.setattr(
        pyplot, "show", lambda: shown.append(pyplot.get_current_fig_manager().canvas.figure)
    )
    figure = plot.plot_history(HISTORY)
    figure.show()
    pyplot.close("all")
    assert shown == [figure]
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_cells_show_figures_where_they_are_asked(monkeypatch):
    shown = []
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=object())
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    figure = plot.plot_history(HISTORY)
    figure.show()
    assert shown == [figure]
