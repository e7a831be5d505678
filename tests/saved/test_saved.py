"""Models of every format so far load and predict what they did when they were written."""

import json
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tolerance import SMALL, rounding

from mmgraph import load
from mmgraph.saving.renames import FORMAT

HERE = Path(__file__).parent
MAKE = runpy.run_path(str(HERE / "make.py"))
FOLDERS = [HERE / f"format{number}" for number in range(1, FORMAT + 1)]

#: Rounding of the models' float32, which differs among processors; what is stored is rounded to
#: nine digits. Another model, or other weights, are off by a thousand times as much.
TOLERANCE = rounding(SMALL)

pytestmark = pytest.mark.filterwarnings("ignore:.*no input in any modality")


def read_stored():
    for folder in FOLDERS:
        for name, expected in json.loads((folder / "predictions.json").read_text()).items():
            path = folder / name
            yield pytest.param(
                path if path.is_dir() else path.with_suffix(".mmgraph"),
                expected,
                id=f"{folder.name}-{name}",
            )


STORED = list(read_stored())


@pytest.fixture(scope="module")
def rows():
    return MAKE["make_rows"]()


@pytest.mark.parametrize(("path", "expected"), STORED)
def test_predicts_what_it_did(rows, path, expected):
    found = MAKE["predict"](load(path), rows)
    for name in ("outputs", "vectors"):
        np.testing.assert_allclose(found[name], expected[name], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize(("path", "expected"), STORED)
def test_is_saved_again_in_todays_format(rows, path, expected, tmp_path):
    load(path).save(tmp_path / "again")
    config = json.loads((tmp_path / "again" / "config.json").read_text())
    assert config["format"] == FORMAT
    found = MAKE["predict"](load(tmp_path / "again"), rows)
    np.testing.assert_allclose(found["outputs"], expected["outputs"], rtol=0, atol=TOLERANCE)


def test_every_format_has_models_that_tell_rows_apart():
    for folder in FOLDERS:
        predictions = json.loads((folder / "predictions.json").read_text())
        assert len(predictions) >= 3
        for name, each in predictions.items():
            assert np.ptp(each["outputs"], axis=0).max() > 1000 * TOLERANCE, (folder, name)


def test_the_script_writes_todays_format(tmp_path):
    made = MAKE["make"]("numbers", tmp_path / "numbers.mmgraph")
    assert pd.Series(made["outputs"]).nunique() > 5
