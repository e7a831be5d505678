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
    figure.canvas.draw()
    axes = figure.axes
    titles = [each.get_title() for each in axes]
    assert "a red thing" in titles
    confusion = next(each for each in axes if each.get_xlabel() == "predicted")
    assert sorted(text.get_text() for text in confusion.texts) == ["1", "2"]
    drawn = [each.get_xlabel() for each in axes]
    assert "red 80%\nblue 20%" in drawn
    assert "red 80%\nblue 20%\ntrue: blue" in drawn


def test_history_without_held_out_rows():
    axes = Figure().subplots()
    plot.plot_history([{"epoch": 0, "train_accuracy": 0.5}], axes)
    assert axes.lines[0].get_ydata().tolist() == [0.5]
    assert np.isnan(axes.lines[1].get_ydata()).all()
