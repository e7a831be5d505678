import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.data.holdout import hold_out


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), min_size=1, max_size=300),
    st.floats(0, 0.5),
    st.integers(0, 5),
)
def test_groups_stay_whole_and_classes_in_training(rows, share, seed):
    target, groups = np.array(rows).T
    held_out = hold_out(target, groups, share, seed=seed)
    kept = np.setdiff1d(np.arange(len(rows)), held_out)
    assert not set(groups[held_out]) & set(groups[kept])
    assert set(target[kept]) == set(target)
    np.testing.assert_array_equal(held_out, hold_out(target, groups, share, seed=seed))


def test_share_is_kept_by_class():
    target = np.repeat([0, 1, 2], [100, 50, 1])
    held_out = hold_out(target, None, 0.1, seed=0)
    assert np.bincount(target[held_out], minlength=3).tolist() == [10, 5, 0]
    assert len(hold_out(target, None, 0.0, seed=0)) == 0
    with pytest.raises(ValueError, match=r"between 0 and 0\.5"):
        hold_out(target, None, 0.9, seed=0)


@given(st.integers(30, 300), st.floats(0.1, 0.5), st.integers(0, 5))
def test_share_is_roughly_kept_with_groups(rows, share, seed):
    target, groups = np.arange(rows) % 3, np.arange(rows) // 3
    held_out = hold_out(target, groups, share, seed=seed)
    # Each group has one row of each class, so that no class can be off by more than one.
    assert abs(len(held_out) - share * rows) <= 3 + 1e-9


def test_a_class_of_one_group_stays_in_training():
    target, groups = np.array([0, 0, 1, 1, 1, 1]), np.array([5, 5, 1, 2, 3, 4])
    for seed in range(9):
        assert not set(hold_out(target, groups, 0.5, seed=seed)) & {0, 1}
