import numpy as np
import pytest

from mmgraph import Audio, Features, Image, MultimodalGraphClassifier, Text
from mmgraph.comparison import FUSIONS, compare
from mmgraph.comparison.baselines.averaged import make_averaged
from mmgraph.comparison.baselines.estimator import NAMES
from mmgraph.comparison.methods import OWN, count_parameters, read_methods
from mmgraph.nn.fusion import GraphFusion


def names(*modalities):
    return [each.name for each in make_averaged(modalities)]


def test_rivals_follow_the_modalities():
    assert names(Image("image"), Text("text")) == [
        *("CNN + LR", "MiniLM + LR", "TF-IDF + LR"),
        *("CNN + TF-IDF, averaged", "CNN + MiniLM + TF-IDF, averaged"),
    ]
    assert names(Image("image", backbone=None), Audio("audio")) == [
        *("pixels + LR", "spectrogram + LR", "pixels + spectrogram, averaged"),
    ]
    assert names(Text("text", features=None)) == ["TF-IDF + LR"]
    assert names(Features("x")) == []


def test_average_over_what_a_row_has(frame):
    modalities = [Image("image", backbone=None, size=32), Text("text", features=None)]
    baselines = [each.make(0).fit(frame, frame["label"]) for each in make_averaged(modalities)]
    pixels, words, both = baselines
    assert both.score(frame, frame["label"]) == 1.0
    lacking = frame[:3].assign(image=[None, frame["image"][1], None])
    lacking.loc[2, "text"] = None
    got = both.predict_proba(lacking)
    np.testing.assert_allclose(got[0], words.predict_proba(lacking)[0])
    mean = (pixels.predict_proba(lacking)[1] + words.predict_proba(lacking)[1]) / 2
    np.testing.assert_allclose(got[1], mean)
    np.testing.assert_allclose(got[2], [1 / 3] * 3)
    coefficients = [each.num_parameters_ for each in (pixels, words)]
    assert both.num_parameters_ == sum(coefficients)
    assert coefficients[0] == 3 * (3 * 32 * 32 + 1)


def test_named_methods_share_the_template():
    template = MultimodalGraphClassifier([Text("text")], epochs=3, num_layers=3, linear=False)
    made = {each.name: each.make(5) for each in read_methods([*OWN, *FUSIONS], template)}
    assert all(each.epochs == 3 and each.random_state == 5 for each in made.values())
    assert made["mmgraph"].linear
    assert (made["mmgraph"].graph, made["mmgraph"].neighbours) == ("auto", True)
    assert (made["linear+neighbours"].graph, made["linear+neighbours"].neighbours) == (False, True)
    assert (made["linear"].graph, made["linear"].neighbours) == (False, False)
    assert (made["graph+linear"].graph, made["graph+linear"].neighbours) == ("auto", False)
    assert not made["late"].linear
    assert made["mmgraph"].chosen_fusion == GraphFusion.options(num_layers=3)
    assert {
        name: each.chosen_fusion.kind for name, each in made.items() if name in FUSIONS
    } == FUSIONS
    # Where a fusion has no layers, the template's number is not for it.
    assert made["bottleneck"].chosen_fusion.options == {"num_layers": 3}
    assert made["concat"].chosen_fusion.options == {}


def test_a_comparison_of_fusions_with_baselines(frame, make_classifier, tmp_path, quick_baselines):
    comparison = compare(
        frame,
        "label",
        methods=["graph", "late"],
        template=make_classifier(linear=False, epochs=1, num_layers=2),
        groups="series",
        folds=2,
        seeds=(0,),
        output=tmp_path,
    )
    summary = comparison.summary()
    assert set(summary["metric"]) == {"accuracy", "macro_f1", "log_loss", "ece"}
    assert summary["mean"].notna().all()
    summary = summary.set_index("method")
    assert set(summary.index) == {
        *("graph", "late", "pixels + LR", "TF-IDF + LR", "pixels + TF-IDF, averaged"),
        *NAMES,
    }
    uncounted = summary.index[summary["parameters"].isna()]
    assert set(uncounted) == {"boosting", "boosting+neighbours"}
    run = next(run for run in comparison.runs() if run.method == "graph")
    assert run.probabilities.shape == (12, 3)
    assert run.classes.tolist() == ["blue", "green", "red"]


def test_unknown_parameters():
    assert count_parameters(object()) is None


@pytest.mark.parametrize("labels", [[{"a"}, {"a", "b"}] * 12])
def test_sets_of_labels(frame, make_classifier, tmp_path, labels, quick_baselines):
    comparison = compare(
        frame.drop(columns=["label", "series"]),
        labels,
        methods=["graph"],
        template=make_classifier(linear=False, epochs=1),
        folds=2,
        seeds=(0,),
        output=tmp_path,
    )
    assert set(comparison.frame["metric"]) == {"micro_f1", "macro_f1", "log_loss", "ece"}
    assert comparison.runs()[0].truth.shape == (12, 2)
