"""Traced programs on disk. Tracing is slow, so few models are traced, and small ones."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from mmgraph import Features, MultimodalGraphRegressor, Text, load_exported
from mmgraph.errors import DataError, ExportError
from mmgraph.export import write

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*no input in any modality", "ignore::DeprecationWarning", "ignore::FutureWarning"
)


@pytest.fixture(scope="module")
def exported(fit, rows, tmp_path_factory):
    """A classifier of texts as a program of torch, and the folder of it."""
    import jaxtyping

    jaxtyping.config.update("jaxtyping_disable", True)
    model = fit([Text("text", features=None, vocabulary_size=40)], num_layers=1)
    folder = tmp_path_factory.mktemp("exported") / "texts"
    model.export(folder, example=rows)
    jaxtyping.config.update("jaxtyping_disable", False)
    return model, folder


@pytest.fixture(scope="module")
def numbers(fit, rows, tmp_path_factory):
    """A regressor of vectors as an ONNX program, and the folder of it."""
    import jaxtyping

    jaxtyping.config.update("jaxtyping_disable", True)
    y = np.arange(float(len(rows)))
    model = fit([Features("v")], y, MultimodalGraphRegressor)
    folder = tmp_path_factory.mktemp("exported") / "numbers"
    model.export(folder, example=rows, format="onnx")
    jaxtyping.config.update("jaxtyping_disable", False)
    return model, folder


def test_torch_predicts_what_the_classifier_does(exported):
    model, folder = exported
    new = pd.DataFrame({"text": ["cat", None, " ".join(["red dog"] * 50), "!", ["blue", "a cat"]]})
    program = load_exported(folder)
    for rows in (new, new[1:2], new[:1]):
        np.testing.assert_allclose(
            program.predict_proba(rows), model.predict_proba(rows), atol=1e-5
        )
    assert program.predict(new).tolist() == model.predict(new).tolist()
    assert program.classes_.tolist() == model.classes_.tolist()


def test_onnx_predicts_what_the_regressor_does(numbers):
    model, folder = numbers
    new = pd.DataFrame({"v": [np.ones((9, 4)), None, [1.0, 2.0, 3.0, 4.0]]})
    program = load_exported(folder)
    for rows in (new, new[1:2], new[2:]):
        np.testing.assert_allclose(program.predict(rows), model.predict(rows), atol=1e-3)
    with pytest.raises(DataError, match="predicts numbers; call predict"):
        program.predict_proba(new)
    with pytest.raises(AttributeError):
        _ = program.classes_


def test_a_row_without_input_is_named(exported):
    with pytest.warns(UserWarning, match="row 1: no input in any modality"):
        load_exported(exported[1]).predict(pd.DataFrame({"text": ["cat", None]}))


def test_the_folder_describes_itself(numbers):
    description = json.loads((numbers[1] / "export.json").read_text())
    inputs = {each["name"]: each for each in description["inputs"]}
    assert inputs["v.features"] == {"name": "v.features", "dtype": "float32", "shape": [None, 4]}
    assert inputs["v.mask"]["shape"] == [None, None]
    assert description["outputs"]["shape"] == [None, 1]
    assert description["checked_rows"] == 20
    assert description["largest_difference"] < 1e-4
    assert {path.name for path in numbers[1].iterdir()} == {
        *("export.json", "model.onnx", "preprocessing")
    }


def test_the_program_opens_without_mmgraph(exported):
    code = (
        "import sys, torch; torch.export.load(sys.argv[1]); "
        "print([name for name in sys.modules if name.startswith(('mmgraph', 'torch_geometric'))])"
    )
    path = str(exported[1] / "model.pt2")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_program_that_differs_is_refused(numbers, rows, monkeypatch):
    model, folder = numbers
    monkeypatch.setattr(model.model_.head.bias, "data", model.model_.head.bias.data + 1)
    with pytest.raises(ExportError, match=r"differs from the model by .* nothing was written"):
        write.check(model, folder, rows, [])


def test_what_is_there_stays(exported, rows, tmp_path):
    model, _ = exported
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(FileExistsError, match="pass overwrite=True"):
        model.export(tmp_path, example=rows)
    with pytest.raises(FileExistsError, match="not a saved model"):
        model.export(tmp_path, example=rows, overwrite=True)
    with pytest.raises(ValueError, match="expected format to be one of torch, onnx, got 'pickle'"):
        model.export(tmp_path / "new", example=rows, format="pickle")
    with pytest.raises(DataError, match="column 'text': expected a value in some row of example="):
        model.export(tmp_path / "new", example=rows[4:5])
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_damaged_folders_are_named(exported, tmp_path):
    with pytest.raises(DataError, match=r"expected a folder with export.json"):
        load_exported(tmp_path)
    description = json.loads((exported[1] / "export.json").read_text())
    (tmp_path / "export.json").write_text(json.dumps(description | {"version": 99}))
    with pytest.raises(DataError, match="newer than this mmgraph"):
        load_exported(tmp_path)
    (tmp_path / "export.json").write_text("{")
    with pytest.raises(DataError, match="damaged, export the model again"):
        load_exported(tmp_path)
