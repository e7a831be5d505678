import os
import pickle
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as PILImage

import mmgraph.datasets
from mmgraph import (
    DataError,
    Image,
    MultimodalDataset,
    MultimodalGraphClassifier,
    MultimodalGraphRegressor,
    evaluate_predictions,
)
from mmgraph.datasets import READERS
from mmgraph.testing import check_reader

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
    check_reader(lambda folder: case(Path(folder)), tmp_path, optional=case.optional)


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


def good(folder):
    """A good reader, in which each test breaks one promise."""
    image = Path(folder).absolute() / "1.png"
    if not image.exists():
        raise DataError(f"{image} is missing; draw it")
    rows = [(str(image), label, split) for split in ("train", "test") for label in ("a", "b")]
    return MultimodalDataset(
        name="two pictures",
        frame=pd.DataFrame(rows, columns=["image", "label", "split"]),
        modalities=[Image("image")],
        label="label",
        task="multiclass",
        metrics=("accuracy",),
        licence="CC0",
        citation="none",
        homepage="https://example.org",
    )


def with_frame(change):
    return lambda data: replace(data, frame=change(data.frame))


def changed(data, name, value):
    """Change what type checks of the tests would not let be made so."""
    object.__setattr__(data, name, value)
    return data


BREAKS = {
    "returns DataFrame; return a MultimodalDataset": lambda data: data.frame,
    "licence is ' '": lambda data: replace(data, licence=" "),
    "task is 'ranking'": lambda data: changed(data, "task", "ranking"),
    "the table has no rows": with_frame(lambda frame: frame[:0]),
    "rows are not numbered from 0": with_frame(lambda frame: frame[::-1]),
    "columns are there twice": with_frame(lambda frame: pd.concat([frame, frame], axis=1)),
    "expected a column 'split'": with_frame(lambda frame: frame.drop(columns="split")),
    r"the splits are \['test'\]": with_frame(lambda frame: frame.assign(split="test")),
    "there is no modality": lambda data: replace(data, modalities=[]),
    r"lacks the columns \['group'\]": lambda data: replace(data, groups="group"),
    "is read by a modality": lambda data: replace(data, modalities=[Image("label")]),
    "no row has a value of": with_frame(lambda frame: frame.assign(image=None)),
    "is no absolute path": with_frame(lambda frame: frame.assign(image="1.png")),
    "there is no file '/nowhere/1.png'": with_frame(lambda f: f.assign(image="/nowhere/1.png")),
    "labels are of the types": with_frame(lambda frame: frame.assign(label=None)),
    "are a list of texts": lambda data: replace(data, task="multilabel"),
    "labels of a regression are floats": lambda data: replace(data, task="regression"),
    "metrics is empty": lambda data: replace(data, metrics=()),
}  # fmt: skip


@pytest.fixture
def drawn(tmp_path):
    PILImage.new("L", (8, 8)).save(tmp_path / "1.png")
    return tmp_path


@pytest.mark.parametrize("message", BREAKS)
def test_broken_promises_are_found(message, drawn):
    with pytest.raises(AssertionError, match=message):
        check_reader(lambda folder: BREAKS[message](good(folder)), drawn)


def test_missing_files_must_be_named(drawn):
    check_reader(good, drawn)
    (drawn / "readme.txt").write_text("two pictures")
    with pytest.raises(AssertionError, match=r"without the file readme\.txt, the reader reads on"):
        check_reader(good, drawn)
    check_reader(good, drawn, optional=["*.txt"])

    def unnamed(folder):
        try:
            return good(folder)
        except DataError as error:
            raise DataError("a picture is missing") from error

    def crashing(folder):
        (Path(folder) / "1.png").read_bytes()
        return good(folder)

    for read, message in ((unnamed, "does not name it"), (crashing, "raises FileNotFoundError")):
        with pytest.raises(AssertionError, match=message):
            check_reader(read, drawn, optional=["*.txt"])
