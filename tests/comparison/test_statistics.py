import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmgraph.comparison import corrected_t_test, holm


def test_two_folds_by_hand():
    # mean .03, s² = 2e-4, (1/2 + 1) s² = 3e-4, t = √3; with one degree of freedom, t is a
    # Cauchy variable, and p = 1 - 2/π arctan √3 = 1/3.
    t, p = corrected_t_test([0.02, 0.04], 1.0)
    assert t == pytest.approx(math.sqrt(3))
    assert p == pytest.approx(1 / 3)


def test_the_correction_widens():
    differences = [0.01, 0.03, 0.02, 0.0, 0.04]
    t, p = corrected_t_test(differences, 0.25)
    plain, plain_p = corrected_t_test(differences, 0.0)
    assert plain == pytest.approx(t * math.sqrt((1 / 5 + 1 / 4) / (1 / 5)))
    assert plain_p < p


def test_equal_differences():
    assert corrected_t_test([0.0, 0.0, 0.0], 0.5) == (0.0, 1.0)
    assert corrected_t_test([-0.1, -0.1, -0.1], 0.5) == (-math.inf, 0.0)
    assert all(map(math.isnan, corrected_t_test([0.1], 0.5)))


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, math.nan, 0.7]), [1.0, math.nan, 1.0])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_helps(values):
    p = np.array(values)
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, p * len(p))).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()
