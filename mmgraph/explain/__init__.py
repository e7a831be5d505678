"""Explanations of single predictions, on regions and words, and how true they are.

`estimator.explain(rows)` makes an `Explanation` of each row, by the name of a method or by one of
the explainers here with settings of its own; `EXPLAINERS` has them by name. `compare_explainers`
and `measure_faithfulness` tell how true explanations are, `to_html` writes several into one page.
"""

from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.explanation import Explanation
from mmgraph.explain.faithfulness import compare_explainers, measure_faithfulness
from mmgraph.explain.gradient import GradientInput
from mmgraph.explain.html import to_html
from mmgraph.explain.integrated import IntegratedGradients
from mmgraph.explain.methods import EXPLAINERS
from mmgraph.explain.occlusion import Occlusion
from mmgraph.explain.pyg import PyGExplainer
from mmgraph.explain.record import EdgeScores, ItemInput, NodeScore
from mmgraph.explain.relevance import AttentionGradient
from mmgraph.explain.rollout import AttentionRollout
from mmgraph.explain.shapley import Shapley
from mmgraph.explain.units import Sample

__all__ = [
    "EXPLAINERS",
    "AttentionGradient",
    "AttentionRollout",
    "Attribution",
    "EdgeScores",
    "Explainer",
    "Explanation",
    "GradientInput",
    "IntegratedGradients",
    "ItemInput",
    "NodeScore",
    "Occlusion",
    "PyGExplainer",
    "Sample",
    "Shapley",
    "compare_explainers",
    "measure_faithfulness",
    "to_html",
]
