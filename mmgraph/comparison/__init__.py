"""The honest comparison of methods: same rows, same folds, several seeds, tests, and a baseline."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.comparison.ablation import make_ablations as make_ablations
    from mmgraph.comparison.baselines.choice import make_baselines as make_baselines
    from mmgraph.comparison.baselines.estimator import PooledBaseline as PooledBaseline
    from mmgraph.comparison.method import Method as Method
    from mmgraph.comparison.methods import DEFAULT as DEFAULT
    from mmgraph.comparison.methods import OWN as OWN
    from mmgraph.comparison.pictures import plot_comparison as plot_comparison
    from mmgraph.comparison.pictures import plot_learning_curve as plot_learning_curve
    from mmgraph.comparison.result import Comparison as Comparison
    from mmgraph.comparison.run import compare as compare
    from mmgraph.comparison.statistics import corrected_t_test as corrected_t_test
    from mmgraph.comparison.statistics import holm as holm
    from mmgraph.nn.fusion.names import FUSIONS as FUSIONS
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Comparison": "mmgraph.comparison.result",
            "DEFAULT": "mmgraph.comparison.methods",
            "FUSIONS": "mmgraph.nn.fusion.names",
            "Method": "mmgraph.comparison.method",
            "OWN": "mmgraph.comparison.methods",
            "PooledBaseline": "mmgraph.comparison.baselines.estimator",
            "compare": "mmgraph.comparison.run",
            "corrected_t_test": "mmgraph.comparison.statistics",
            "holm": "mmgraph.comparison.statistics",
            "make_ablations": "mmgraph.comparison.ablation",
            "make_baselines": "mmgraph.comparison.baselines.choice",
            "plot_comparison": "mmgraph.comparison.pictures",
            "plot_learning_curve": "mmgraph.comparison.pictures",
        },
    )
