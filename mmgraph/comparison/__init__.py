"""The honest comparison of methods: same rows, same folds, several seeds, tests, and a baseline."""

from mmgraph.comparison.baselines import make_baselines
from mmgraph.comparison.methods import DEFAULT, FUSIONS
from mmgraph.comparison.pictures import plot_learning_curve
from mmgraph.comparison.result import Comparison
from mmgraph.comparison.run import compare
from mmgraph.comparison.statistics import corrected_t_test, holm

__all__ = [
    "DEFAULT",
    "FUSIONS",
    "Comparison",
    "compare",
    "corrected_t_test",
    "holm",
    "make_baselines",
    "plot_learning_curve",
]
