import pytest

from mmgraph.diagnosis import Diagnosis, Measure


def make_diagnosis(*, is_share=True, skip=()):
    values = {
        ("score", None): 0.8,
        ("nothing", None): 0.1,
        ("emap_rows", None): 0.8,
        ("emap", None): 0.79,
        ("interaction", None): 0.01,
        ("edges_removed", None): 0.03,
        ("edges_shuffled", None): 0.04,
    }
    for name, share in (("text", 0.5), ("price in $", -0.2)):
        kinds = ("alone", "lead", "hidden", "permuted", "shapley")
        values |= dict.fromkeys([(kind, name) for kind in kinds], share)
    measures = [Measure(*key, value, 0.01, 400) for key, value in values.items()]
    kept = tuple(each for each in measures if each.name not in skip)
    return Diagnosis("accuracy" if is_share else "R²", is_share, ("text", "price in $"), kept)


def lengths(axes):
    return [round(float(bar.get_width()), 6) for bar in axes.patches]


def test_page():
    diagnosis = make_diagnosis()
    figure = diagnosis.plot()
    figure.draw_without_rendering()
    scores, modalities, losses = figure.axes
    assert [each.get_text() for each in scores.get_yticklabels()] == [
        "the model",
        "text alone",
        r"price in \$ alone",
        "nothing",
    ]
    assert lengths(scores) == [0.8, 0.5, -0.2, 0.1]
    assert lengths(modalities) == [50, -20] * 3
    legend = [each.get_text() for each in modalities.get_legend().get_texts()]
    assert legend == ["Shapley value", "loss when hidden", "loss when permuted"]
    assert lengths(losses) == [1, 3, 4]
    assert losses.get_xlabel() == "points; lines: two standard errors"
    # Lines of two standard errors to either side.
    line = losses.collections[0].get_segments()[0]
    assert line[:, 0] == pytest.approx([1 - 2, 1 + 2])
    verdict = figure.subfigs[1].texts[0].get_text().replace("\n", " ")
    assert verdict == diagnosis.verdict.replace("\n", " ").replace("$", r"\$")


def test_lines_end_where_scores_do():
    sure = Measure("score", None, 0.99, 0.02, 50)
    diagnosis = Diagnosis("accuracy", True, ("text",), (sure, *make_diagnosis().measures[1:]))
    line = diagnosis.plot().axes[0].collections[0].get_segments()[0]
    assert line[:, 0] == pytest.approx([0.95, 1.0])


def test_numbers_lie_beside_their_bars_and_not_on_names():
    figure = make_diagnosis().plot()
    figure.draw_without_rendering()
    for axes in figure.axes:
        left, right = (axes.get_window_extent().x0, axes.get_window_extent().x1)
        for text in axes.texts:
            box = text.get_window_extent()
            assert left <= box.x0
            assert box.x1 <= right + 1


def test_what_was_not_measured_is_not_drawn():
    figure = make_diagnosis(is_share=False, skip=("edges_removed", "edges_shuffled")).plot()
    assert lengths(figure.axes[2]) == [0.01]
    assert figure.axes[2].get_xlabel().startswith("R²")
