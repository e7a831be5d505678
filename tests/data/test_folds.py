import numpy as np
import pytest

from mmgraph.data.folds import Partition, assign_folds


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_and_classes_are_spread(seed):
    random = np.random.default_rng(seed)
    groups = random.integers(0, 60, 300)
    strata = groups % 3
    folds = assign_folds(strata, groups, 5, seed=seed)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    for kind in range(3):
        count = np.bincount(folds[strata == kind], minlength=5)
        assert count.max() - count.min() <= 10


def test_rows_without_groups_are_spread_evenly():
    folds = assign_folds(np.repeat([0, 1], [10, 5]), None, 5, seed=0)
    assert np.bincount(folds[:10]).tolist() == [2] * 5
    assert np.bincount(folds[10:]).tolist() == [1] * 5


def test_there_are_no_more_folds_than_groups():
    assert set(assign_folds(np.zeros(6, int), np.array([4, 4, 9, 9, 9, 4]), 5, seed=0)) == {0, 1}


def test_without_groups_each_row_is_its_own():
    partition = Partition.of(np.array([0, 1, 0]), None, np.array([1]), seed=0)
    assert partition.group.tolist() == [0, 1, 2]
