"""The honest comparison of methods: same rows, same folds, several seeds, tests, and a rival."""

from mmgraph.compare.comparing import compare
from mmgraph.compare.comparison import Comparison
from mmgraph.compare.methods import DEFAULT, FUSIONS
from mmgraph.compare.pictures import plot_learning_curve
from mmgraph.compare.rivals import make_rivals
from mmgraph.compare.statistics import corrected_t_test, holm

__all__ = [
    "DEFAULT",
    "FUSIONS",
    "Comparison",
    "compare",
    "corrected_t_test",
    "holm",
    "make_rivals",
    "plot_learning_curve",
]
