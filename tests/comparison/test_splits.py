import numpy as np
import pytest

from mmgraph import DataError
from mmgraph.comparison.run import _own_folder
from mmgraph.comparison.splits import Split, make_folds, read_split_column, subset

LABEL = np.tile(["a", "b"], 10)


@pytest.mark.parametrize("stratify", [True, False])
@pytest.mark.parametrize("grouped", [True, False])
def test_folds_cover_all_rows_once(stratify, grouped):
    groups = np.arange(20) // 2 if grouped else None
    rows = np.arange(20)
    folds, others = make_folds(4, LABEL, groups, rows, stratify=stratify, seeds=(0, 1))
    rows_of = {fold.name: tuple(fold.test) for fold in [*folds, *others]}
    assert [fold.name for fold in folds] == list("0123")
    assert len(rows_of) == len(set(rows_of.values())) > 6
    assert sorted(np.concatenate([fold.test for fold in folds])) == rows.tolist()
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        if grouped:
            assert not set(groups[fold.train]) & set(groups[fold.test])


def test_the_same_rows_are_the_same_fold():
    groups = np.repeat([0, 1, 2], [6, 6, 8])
    repeats = make_folds(3, LABEL, groups, np.arange(20), stratify=True, seeds=range(4))
    assert all(sorted(fold.name for fold in folds) == list("012") for folds in repeats)


def test_only_the_rows_given_are_divided():
    (folds,) = make_folds(2, LABEL, None, np.arange(6, 20), stratify=True, seeds=[0])
    assert min(min(fold.train.min(), fold.test.min()) for fold in folds) == 6


@pytest.mark.parametrize(("count", "message"), [(1, "2 or more"), (11, "fewer folds")])
def test_impossible_folds(count, message):
    with pytest.raises(DataError, match=message):
        make_folds(count, LABEL, None, np.arange(20), stratify=True, seeds=[0])


def test_a_column_of_folds():
    folds, test = read_split_column([0, 1, 0, "test"])
    assert [(fold.name, fold.train.tolist(), fold.test.tolist()) for fold in folds] == [
        ("0", [1], [0, 2]),
        ("1", [0, 2], [1]),
    ]
    assert test.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["train", "test"], "no 'val' rows"),
        (["train", "val", "tset"], r"got \['tset'\]"),
        (["only", "only"], "or folds"),
    ],
)
def test_columns_that_are_no_split(column, message):
    with pytest.raises(DataError, match=message):
        read_split_column(column)


def test_subsets_are_nested_and_follow_the_seed():
    split = Split("0", np.arange(100), np.arange(100, 110))
    sizes = [set(subset(split, count, seed=3).train) for count in (5, 20, 100)]
    assert sizes[0] < sizes[1] < sizes[2] == set(range(100))
    assert set(subset(split, 5, seed=4).train) != sizes[0]


def test_what_killed_comparisons_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "mmgraph-runs-abcdefgh.held"
    left.mkdir()
    held = _own_folder()
    assert not left.exists()
    assert held.path.is_dir()
    held.release()
    assert not list(tmp_path.iterdir())
