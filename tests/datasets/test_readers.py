import os
import pickle
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import mmgraph.datasets
from mmgraph import (
    DataError,
    MultimodalDataset,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    evaluate_predictions,
)
from mmgraph.datasets import READERS

PACKAGE = Path(mmgraph.datasets.__file__).parent


def test_no_reader_escapes_the_contract(cases):
    defined = {
        line.split("(")[0].removeprefix("def ")
        for path in PACKAGE.glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("def load_")
    }
    assert defined == {case.reader.__name__ for case in cases}
    assert defined == {each.function_name for each in READERS.values()}
    assert defined == {name for name in mmgraph.datasets.__all__ if name.startswith("load_")}
    for case in cases:
        assert READERS[case.reader.__name__.removeprefix("load_")].function is case.reader


def test_the_page_has_every_reader_and_where_to_get_it():
    page = (PACKAGE.parents[1] / "docs" / "datasets.md").read_text("utf-8")
    lines = [line for line in page.splitlines() if line.startswith("| `load_")]
    listed = {name: line for line in lines for name in re.findall(r"`load_(\w+)`", line)}
    assert listed.keys() == READERS.keys()
    for name, line in listed.items():
        found = re.findall(r"\((https://\S+)\)", line)
        assert not found or found == [READERS[name].homepage]


def test_contract(case, tmp_path):
    case.build(tmp_path)
    data = case(tmp_path)
    assert isinstance(data, MultimodalDataset)
    for text in (data.name, data.licence, data.citation, data.homepage):
        assert text.strip()
    known = READERS[case.reader.__name__.removeprefix("load_")]
    assert data.task in known.tasks
    assert known.homepage in (None, data.homepage)
    frame = data.frame
    assert frame.index.equals(pd.RangeIndex(len(frame)))
    assert frame.columns.is_unique
    columns = [column for modality in data.modalities for column in modality.column_list]
    assert {data.label, "split", *columns, *([data.groups] if data.groups else [])} <= set(frame)
    assert data.label not in columns
    assert data.parts[0] == "train"
    assert sum(len(data.part(name)) for name in data.parts) == len(frame)
    assert all(len(data.part(name)) for name in data.parts)
    paths = [
        value
        for column in ("image", "audio")
        if column in frame
        for value in frame[column].dropna()
        if isinstance(value, str)
    ]
    assert all(Path(path).is_absolute() and Path(path).is_file() for path in paths)
    check_labels(data)


def check_labels(data):
    """Check that labels are of the task's type, and that the metrics can be had of them."""
    labels = data.part("train")[data.label].tolist()
    given = {}
    if data.task == "multiclass":
        assert {type(label) for label in labels} in ({str}, {int})
        classes = sorted(set(labels))
        x = np.array([[float(label == each) for each in classes] for label in labels])
        given = {"probabilities": x, "classes": classes}
    elif data.task == "multilabel":
        assert all(type(label) is list for label in labels)
        assert {type(each) for label in labels for each in label} == {str}
        classes = sorted({each for label in labels for each in label})
        x = np.array([[float(each in label) for each in classes] for label in labels])
        given = {"probabilities": x, "classes": classes}
    else:
        assert all(type(label) is float for label in labels)
    scores = evaluate_predictions(data.metrics, labels, labels, **given)
    assert all(value == pytest.approx(float(name != "mae")) for name, value in scores.items())


@pytest.mark.parametrize(
    ("name", "estimator"),
    [("mosi, MulT's", MultimodalGraphRegressor), ("av_digits", MultimodalGraphClassifier)],
)
def test_estimators_take_it(copy_of, name, estimator):
    case, folder = copy_of(name)
    data = case(folder)
    train = pd.concat([data.part("train")] * 2, ignore_index=True)
    model = estimator(data.modalities, channels=16, epochs=1, linear=False, verbose=False)
    model.fit(train, data.label, groups=data.groups)
    scores = evaluate_predictions(data.metrics, train[data.label], model.predict(train))
    assert set(scores) == set(data.metrics)


def test_parts_are_named(copy_of):
    case, folder = copy_of("folder")
    data = case(folder)
    assert set(data.part("train", "test")["split"]) == {"train", "test"}
    with pytest.raises(DataError, match=r"its parts, \['train', 'val', 'test'\], got \['dev'\]"):
        data.part("dev")
    with pytest.raises(DataError, match="got none"):
        data.part()


def test_each_missing_file_is_named(parsed, tmp_path):
    parsed.build(tmp_path)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    optional = {path for pattern in parsed.optional for path in tmp_path.glob(pattern)}
    for path in sorted(set(files) - optional):
        content = path.read_bytes()
        path.unlink()
        with pytest.raises(DataError, match=r"missing|no such file|put split\.json") as error:
            parsed(tmp_path)
        assert path.name in str(error.value)
        path.write_bytes(content)


class Call:
    def __init__(self, function, argument):
        self.call = function, (argument,)

    def __reduce__(self):
        return self.call


SYSTEM = Call(os.system, "touch gotcha")
HOSTILE = (SYSTEM, Call(eval, "open('gotcha', 'w')"), eval, np.array([SYSTEM], dtype=object))


def test_hostile_pickles_are_refused(parsed, tmp_path, monkeypatch):
    parsed.build(tmp_path)
    monkeypatch.chdir(tmp_path)
    for path, form in parsed.files(tmp_path):
        if form == "pickle":
            content = pickle.loads(path.read_bytes())
            for evil in HOSTILE:
                spoilt = {**content, "x": evil} if isinstance(content, dict) else (*content, evil)
                path.write_bytes(pickle.dumps(spoilt))
                with pytest.raises(DataError, match=rf"{path.name}: holds .* it is refused"):
                    parsed(tmp_path)
        elif form == "npy":
            content = path.read_bytes()
            np.save(path, np.array([SYSTEM], dtype=object))
            with pytest.raises(DataError, match=rf"{path.name}: .*Python objects"):
                parsed(tmp_path)
            path.write_bytes(content)
    assert not (tmp_path / "gotcha").exists()
