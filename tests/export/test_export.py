"""Traced programs on disk. Tracing is slow, so few models are traced, and small ones."""

import json

import jaxtyping
import numpy as np
import pandas as pd
import pytest
import torch

from mmgraph import Features, MultimodalGraphRegressor, load_exported
from mmgraph.errors import DataError, ExportError
from mmgraph.export import ExportedModel, write

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*no input in any modality", "ignore::DeprecationWarning", "ignore::FutureWarning"
)


@pytest.fixture(scope="module")
def numbers(fit, rows, tmp_path_factory):
    """A regressor of sequences of vectors, with neighbours, as programs of both formats."""
    folder = tmp_path_factory.mktemp("exported")
    y = np.arange(float(len(rows)))
    model = fit([Features("v", rnn="gru")], y, MultimodalGraphRegressor)
    model.model_.neighbours.weight = torch.tensor([0.0, 0.5])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaxtyping.config, "jaxtyping_disable", True)
        for form in ("torch", "onnx"):
            model.export(folder / form, example=rows, format=form)
    return model, folder


@pytest.mark.parametrize("form", ["torch", "onnx"])
def test_programs_predict_what_the_regressor_does(form, numbers):
    model, folder = numbers
    several = [np.ones((2, 4)), np.zeros((1, 4))]
    new = pd.DataFrame({"v": [np.ones((9, 4)), None, [1.0, 2.0, 3.0, 4.0], several]})
    program = load_exported(folder / form)
    for rows in (new, new[1:2], new[2:]):
        np.testing.assert_allclose(program.predict(rows), model.predict(rows), atol=1e-3)
    with pytest.raises(DataError, match="predicts numbers; call predict"):
        program.predict_proba(new)
    with pytest.raises(AttributeError):
        _ = program.classes_


@pytest.mark.parametrize("form", ["torch", "onnx"])
def test_a_hundred_rows_of_numbers(form, numbers, unlike):
    model, folder = numbers
    difference = load_exported(folder / form).predict(unlike) - model.predict(unlike)
    assert unlike["v"].isna().sum() > 10
    assert np.abs(difference).max() < 1e-4 * float(model.model_.task.std)


@pytest.mark.parametrize("form", ["torch", "onnx"])
def test_programs_hold_the_neighbours(form, numbers, unlike):
    model, folder = numbers
    neighbours = model.model_.neighbours
    rows = unlike[unlike["v"].notna()][:5]
    program, before = load_exported(folder / form).predict(rows), model.predict(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(neighbours._buffers, "weight", torch.zeros(2))
        without = model.predict(rows)
    assert np.abs(before - without).max() > 0.1
    np.testing.assert_allclose(program, before, atol=1e-3)


def test_a_hundred_rows_of_all_modalities(classifier, rows, unlike, tmp_path):
    # ONNX takes three times as long to trace, so that no test does.
    classifier.export(tmp_path / "program", example=rows)
    program = load_exported(tmp_path / "program")
    expected = classifier.predict_proba(unlike)
    assert np.abs(program.predict_proba(unlike) - expected).max() < 1e-4
    # A batch of another size, in which two modalities are missing altogether.
    few = unlike.assign(image=None, v=None)[5:8]
    assert np.abs(program.predict_proba(few) - classifier.predict_proba(few)).max() < 1e-4


def test_a_row_without_input_is_named(numbers):
    with pytest.warns(UserWarning, match="row 1: no input in any modality"):
        load_exported(numbers[1] / "onnx").predict(pd.DataFrame({"v": [np.ones(4), None]}))


@pytest.mark.parametrize("multilabel", [False, True])
def test_classes_and_labels_follow_from_probabilities(multilabel):
    targets = {"classes": ["a", "b"], "multilabel": multilabel}
    reading = [Features("v").fit([[np.ones(2)], [np.zeros(2)]])]
    model = ExportedModel(
        reading,
        {"targets": targets, "threshold": 0.3},
        lambda inputs: torch.tensor([[0.6, 0.4], [0.3, 0.7]])[inputs["v.sample"]],
    )
    frame = pd.DataFrame({"v": [np.ones(2), np.zeros(2)]})
    assert model.classes_.tolist() == ["a", "b"]
    assert model.predict_proba(frame)[0].tolist() == pytest.approx([0.6, 0.4])
    expected = [[1, 1], [1, 1]] if multilabel else ["a", "b"]
    assert model.predict(frame).tolist() == expected


def test_the_folder_describes_itself(numbers):
    description = json.loads((numbers[1] / "onnx" / "export.json").read_text())
    inputs = {each["name"]: each for each in description["inputs"]}
    assert inputs["v.features"] == {"name": "v.features", "dtype": "float32", "shape": [None, 4]}
    assert inputs["v.mask"]["shape"] == [None, None]
    assert description["outputs"]["shape"] == [None, 1]
    assert description["checked_rows"] == 20
    assert description["largest_difference"] < 1e-4
    assert {path.name for path in (numbers[1] / "onnx").iterdir()} == {
        *("export.json", "model.onnx", "preprocessing")
    }


def test_a_program_that_differs_is_refused(numbers, rows, monkeypatch):
    model, folder = numbers
    monkeypatch.setattr(model.model_.head.bias, "data", model.model_.head.bias.data + 1)
    with pytest.raises(ExportError, match=r"differs from the model by .* nothing was written"):
        write.check(model.fitted_, folder / "onnx", rows, [])


def test_what_is_there_stays(numbers, rows, tmp_path):
    model, _ = numbers
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        model.export(tmp_path, example=rows)
    with pytest.raises(FileExistsError, match="not a saved model"):
        model.export(tmp_path, example=rows, overwrite=True)
    with pytest.raises(ValueError, match="expected format to be one of torch, onnx, got 'pickle'"):
        model.export(tmp_path / "new", example=rows, format="pickle")
    with pytest.raises(DataError, match="column 'v': expected a value in some row of example="):
        model.export(tmp_path / "new", example=rows[4:5])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_damaged_folders_are_named(numbers, tmp_path):
    with pytest.raises(DataError, match=r"expected a folder with export.json"):
        load_exported(tmp_path)
    description = json.loads((numbers[1] / "onnx" / "export.json").read_text())
    (tmp_path / "export.json").write_text(json.dumps(description | {"version": 99}))
    with pytest.raises(DataError, match="newer than this mmgraph"):
        load_exported(tmp_path)
    (tmp_path / "export.json").write_text("{")
    with pytest.raises(DataError, match="damaged, export the model again"):
        load_exported(tmp_path)
