"""What results show of themselves, whatever they hold, in a terminal and in a notebook."""

import copy
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from mmgraph import MultimodalGraphClassifier, Text
from mmgraph.comparison import Comparison
from mmgraph.comparison.store import Run, RunStore
from mmgraph.datasets import MultimodalDataset
from mmgraph.diagnosis import Diagnosis, Measure
from mmgraph.explain.listed import Explanations
from mmgraph.explain.whole import whole_parts
from mmgraph.system.shown import MOST_CHARACTERS, MOST_LINES, table_lines

EVIL = "<script>alert(1)</script>\x1b[2J\n" * 30


@pytest.fixture
def results(make_explanation, tmp_path):
    """Return results as wide and long as they come, with texts that would act."""
    one = make_explanation(EVIL, row=EVIL, method=EVIL)
    return {
        "explanation": one,
        "one of a list": Explanations([one]),
        "explanations": Explanations([one] * 30),
        "no explanations": Explanations(),
        "diagnosis": make_diagnosis([EVIL, *"abcdefghijkl"]),
        "comparison": make_comparison(tmp_path / "done", 30),
        "no runs": Comparison(tmp_path, metrics=["accuracy"], reference=EVIL, keys={"fold": []}),
        "dataset": make_dataset(EVIL),
    }


def make_diagnosis(modalities):
    alone = ("alone", "lead", "hidden", "permuted", "shapley")
    together = ("score", "nothing", "emap_rows", "emap", "interaction")
    keys = [(name, None) for name in together]
    keys += [(name, modality) for modality in modalities for name in alone]
    measures = tuple(Measure(*key, 0.5, 0.01, 400) for key in keys)
    return Diagnosis("accuracy", True, tuple(modalities), measures)


def make_comparison(folder, methods):
    store, truth = RunStore(folder / "runs"), np.array([0, 1])
    names = [EVIL, *map(str, range(1, methods))]
    for name in names:
        facts = {"part": "fold", "fold": "0", "seed": 0, "train_rows": 2, "parameters": None}
        times = {"fit_seconds": 1.0, "predict_seconds": 1.0, "date": "", "versions": {}}
        arrays = {"rows": truth, "truth": truth, "predicted": truth, "classes": truth}
        store.write(Run(key=f"k{names.index(name)}", method=name, **facts, **times, **arrays))
    keys = {"fold": [f"k{number}" for number in range(methods)]}
    return Comparison(folder, metrics=["accuracy"], reference=EVIL, keys=keys)


def make_dataset(text):
    frame = pd.DataFrame({f"c{number}": [text] * 100 for number in range(50)})
    frame["split"] = ["train"] * 60 + ["test"] * 40
    frame["label"] = [f"{number} {text}" for number in range(100)]
    return MultimodalDataset(
        name=text,
        frame=frame,
        modalities=[Text(f"c{number}") for number in range(40)],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        licence=text,
        citation=text,
        homepage=text,
    )


def test_results_fit_a_terminal(results):
    for name, result in results.items():
        lines = repr(result).splitlines()
        assert 1 <= len(lines) <= MOST_LINES + 1, name
        assert max(map(len, lines)) <= MOST_CHARACTERS + 40, name
        assert "\x1b" not in repr(result), name


def test_results_are_inert_in_notebooks(results):
    for name, result in results.items():
        shown = result._repr_html_()
        assert shown.startswith("<"), name
        assert "<script" not in shown, name


def test_explanation_says_what_matters(make_explanation):
    explanation = make_explanation("a red cat", row="r7")
    said = repr(explanation)
    assert said.startswith("row r7: animals 70.0%")
    for name, value in explanation.modality_scores.items():
        assert f"{name} {value:+.3g}" in said
    strongest = whole_parts(explanation)[0]
    assert f"{strongest.modality}: {strongest.label} {strongest.score:+.3g}" in said


def test_explanations_are_a_list(make_explanation):
    plain = [make_explanation("a cat"), make_explanation("a dog", row="1")]
    listed = Explanations(plain)
    assert listed == plain
    assert type(listed[:1]) is type(listed + plain) is list
    assert json.dumps(Explanations()) == "[]"
    for again in (pickle.loads(pickle.dumps(listed)), copy.deepcopy(listed)):
        assert [each.row for each in again] == ["0", "1"]
        assert repr(again) == repr(listed)
    assert "row 0" in repr(listed)
    assert "row 1" in repr(listed)


def test_a_page_of_many_says_what_it_leaves_out(make_explanation):
    one = make_explanation("a cat", side=1, layers=1)
    assert "The first 50 of 51" in Explanations([one] * 51)._repr_html_()
    assert "The first" not in Explanations([one] * 50)._repr_html_()


def test_diagnosis_shows_verdict_and_table():
    diagnosis = make_diagnosis(["text"])
    lines = repr(diagnosis).splitlines()
    assert lines[0] == diagnosis.verdict.splitlines()[0]
    assert any(line.split()[:2] == ["alone", "text"] for line in lines)
    assert "<table" in diagnosis._repr_html_()


def test_comparison_shows_means(tmp_path):
    lines = repr(make_comparison(tmp_path, 2)).splitlines()
    assert "2 runs" in lines[0]
    assert lines[1].split()[:3] == ["metric", "method", "mean"]
    assert any(line.split()[:3] == ["accuracy", "1", "1"] for line in lines)


def test_dataset_shows_rows_columns_parts_and_classes():
    said = repr(make_dataset("word"))
    for expected in ("100 rows (train 60, test 40)", "c0, c1", "100 classes", "Text("):
        assert expected in said


def test_long_tables_say_how_long():
    lines = table_lines(pd.DataFrame({"x": range(100)}), 10)
    assert len(lines) == 10
    assert lines[-1] == "(100 rows in all)"


def test_estimators_show_themselves(frame):
    estimator = MultimodalGraphClassifier([Text("text", features=None)], epochs=1, verbose=False)
    for each in (estimator, estimator.set_params(graph=False).fit(frame, frame["label"])):
        assert len(repr(each).splitlines()) <= MOST_LINES
        assert "sk-" in each._repr_html_()
