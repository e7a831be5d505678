"""Tests of differences between methods on the same folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def corrected_t_test(
    differences: Float[np.ndarray, "folds"] | Sequence[float], test_share: float
) -> tuple[float, float]:
    r"""Return t and the two-sided p-value of the corrected resampled t-test.

    Nadeau and Bengio, 2003 (https://doi.org/10.1023/A:1024068626366), with k folds, n_2 rows
    tested and n_1 rows trained on in each:

    .. math::
        t = \bar d \Big/ \sqrt{\left(\frac{1}{k} + \frac{n_2}{n_1}\right) s^2}, \qquad
        k - 1 \text{ degrees of freedom}

    Folds share most of their training rows, so that the usual paired t-test, which lacks
    n_2 / n_1, finds differences where there are none.

    Args:
        differences: Score of one method less that of the other in each fold.
        test_share: n_2 / n_1, such as 1/4 for five folds.

    Returns:
        (t, p); NaN for fewer than two folds.

    Example:
        >>> t, p = corrected_t_test([0.01, 0.03, 0.02, 0.00, 0.04], 1 / 4)
        >>> round(t, 3), round(p, 3)
        (1.886, 0.132)
    """
    from scipy.special import stdtr

    d = np.asarray(differences, dtype=float)
    if len(d) < 2:
        return float("nan"), float("nan")
    mean, variance = float(d.mean()), float(d.var(ddof=1))
    # Equal differences in all folds are equal to rounding only.
    if variance < 1e-24:
        return (0.0, 1.0) if abs(mean) < 1e-12 else (float(np.sign(mean)) * float("inf"), 0.0)
    t = mean / np.sqrt((1 / len(d) + test_share) * variance)
    return float(t), float(2 * stdtr(len(d) - 1, -abs(t)))


def holm(p_values: Float[np.ndarray, "tests"] | Sequence[float]) -> Float[np.ndarray, "tests"]:
    """Return p-values adjusted for several tests by Holm's step-down procedure.

    Holm, 1979 (https://www.jstor.org/stable/4615733): the i-th smallest of m, from 0, is
    multiplied by m - i, and none is less than one before it, nor more than 1. NaN stay NaN and
    do not count.

    Example:
        >>> holm([0.01, 0.04, 0.03]).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    factors = len(order) - np.arange(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p[order]), 1.0)
    return adjusted
