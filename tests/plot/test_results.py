from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure

from mmgraph import plot


def test_page_of_results(frame):
    classes = np.array(["blue", "red"])
    sample = {
        **{"image": frame["image"][0], "text": "a red thing", "true": "red"},
        **{"classes": classes, "probability": np.array([0.2, 0.8])},
    }
    history = [{"epoch": 0, "train_accuracy": 0.5, "val_accuracy": 0.4}]
    true, predicted = ["red", "blue", "red"], ["red", "red", "red"]
    samples = [sample, sample | {"text": None, "true": "blue"}]
    figure = plot.plot_results({"a": 0.5, "b": 0.7}, history, true, predicted, samples)
    figure.draw_without_rendering()
    axes = figure.axes
    titles = [each.get_title() for each in axes]
    assert "a red thing" in titles
    confusion = next(each for each in axes if each.get_xlabel() == "predicted")
    assert sorted(text.get_text() for text in confusion.texts) == ["1", "2"]
    drawn = [each.get_xlabel() for each in axes]
    assert "red 80%\nblue 20%" in drawn
    assert "red 80%\nblue 20%\ntrue: blue" in drawn


def test_titles_of_samples_keep_to_their_panels(frame):
    classes = np.array(["a class with a very long name", "$ and $"])
    sample = {
        **{"image": frame["image"][0], "text": "A $5 HAMBURGER\nWITH CHEESE", "true": "$ and $"},
        **{"classes": classes, "probability": np.array([0.8, 0.2])},
    }
    figure = plot.plot_results({"a": 0.5}, [], ["a", "b"], ["a", "a"], [sample] * 8)
    figure.draw_without_rendering()
    panels = figure.axes[-8:]
    boxes = [each.title.get_window_extent() for each in panels]
    labels = [each.xaxis.label.get_window_extent() for each in panels]
    for row in (boxes, labels):
        assert row[0].x0 >= figure.bbox.x0
        assert row[-1].x1 <= figure.bbox.x1
        assert all(one.x1 <= other.x0 for one, other in pairwise(row))
    assert panels[0].get_title() == r"A \$5 HAMBURGER WITH…"
    expected = "a class with a very… 80%\n\\$ and \\$ 20%\ntrue: \\$ and \\$"
    assert panels[0].get_xlabel() == expected


def test_history_without_held_out_rows():
    axes = Figure().subplots()
    plot.plot_history([{"epoch": 0, "train_accuracy": 0.5}], axes)
    assert axes.lines[0].get_ydata().tolist() == [0.5]
    assert np.isnan(axes.lines[1].get_ydata()).all()


def test_errors_in_units_of_the_target():
    history = [{"epoch": 0, "train_mae": 3.0, "val_mae": 4.0}, {"epoch": 1, "train_mae": 1.0}]
    axes = plot.plot_history(history).axes[0]
    assert axes.get_ylabel() == "mean absolute error"
    assert axes.lines[0].get_ydata().tolist() == [3, 1]
    assert axes.lines[1].get_ydata()[0] == 4
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["training", "held out"]


def test_confusion_of_many_classes_with_long_names():
    true = [f"a class with a very long name {number:02}" for number in range(50)]
    figure = plot.plot_confusion(true, [true[0], *true[:-1]])
    axes = figure.axes[0]
    assert axes.get_yticklabels()[0].get_text() == "a class with a very…"
    assert len(axes.texts) == 0  # no counts: they would overlap
    drawn = axes.images[0].get_array()
    assert drawn[0, 0] == drawn[1, 0] == drawn[49, 48] == 1
    assert drawn.sum() == 50
    figure.draw_without_rendering()
    boxes = [each.get_window_extent() for each in axes.get_xticklabels()]
    assert all(one.x1 <= two.x0 + 1 for one, two in pairwise(boxes))
