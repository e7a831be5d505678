import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.explain.exact_shapley import coalitions, shapley_values


def test_shapley_by_hand():
    # v: none 0, third 1, second 2, second and third 5, first 3, ...
    worth = np.array([0.0, 1, 2, 5, 3, 4, 9, 12])
    order = [tuple(map(int, row)) for row in coalitions(3)]
    assert order[:5] == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0)]
    first = (2 * 3 + (4 - 1) + (9 - 2) + 2 * (12 - 5)) / 6
    second = (2 * 2 + (5 - 1) + (9 - 3) + 2 * (12 - 4)) / 6
    third = (2 * 1 + (5 - 2) + (4 - 3) + 2 * (12 - 9)) / 6
    np.testing.assert_allclose(shapley_values(worth), [first, second, third])


@given(players=st.integers(1, 5), seed=st.integers(0, 99))
def test_shapley_is_efficient_and_leaves_the_idle_with_nothing(players, seed):
    members = coalitions(players)
    random = np.random.default_rng(seed)
    worth = random.normal(size=(len(members), 3))
    values = shapley_values(worth)
    np.testing.assert_allclose(values.sum(0), worth[-1] - worth[0], atol=1e-12)
    idle = worth.copy()
    idle[members[:, 0]] = idle[~members[:, 0]]  # the first player changes nothing
    np.testing.assert_allclose(shapley_values(idle)[0], 0, atol=1e-12)
