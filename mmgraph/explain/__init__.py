"""Explanations of single predictions, on regions and words, and how true they are.

`estimator.explain(rows)` makes an `Explanation` of each row, by the name of a method or by one of
the explainers here with settings of its own; `EXPLAINERS` has them by name. `compare_explainers`
and `measure_faithfulness` tell how true explanations are, `to_html` writes several into one page.
"""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.explain.base import Attribution as Attribution
    from mmgraph.explain.base import Explainer as Explainer
    from mmgraph.explain.counterfactual import Counterfactual as Counterfactual
    from mmgraph.explain.drawing import plot_explanation as plot_explanation
    from mmgraph.explain.explanation import Explanation as Explanation
    from mmgraph.explain.faithfulness import compare_explainers as compare_explainers
    from mmgraph.explain.faithfulness import measure_faithfulness as measure_faithfulness
    from mmgraph.explain.function_model import FunctionModel as FunctionModel
    from mmgraph.explain.functions import explain_model as explain_model
    from mmgraph.explain.gradient import GradientInput as GradientInput
    from mmgraph.explain.graph_drawing import plot_graph as plot_graph
    from mmgraph.explain.html import to_html as to_html
    from mmgraph.explain.integrated import IntegratedGradients as IntegratedGradients
    from mmgraph.explain.listed import Explanations as Explanations
    from mmgraph.explain.methods import EXPLAINERS as EXPLAINERS
    from mmgraph.explain.occlusion import Occlusion as Occlusion
    from mmgraph.explain.pyg import PyGExplainer as PyGExplainer
    from mmgraph.explain.record import EdgeScores as EdgeScores
    from mmgraph.explain.record import ItemInput as ItemInput
    from mmgraph.explain.record import NodeScore as NodeScore
    from mmgraph.explain.relevance import AttentionGradient as AttentionGradient
    from mmgraph.explain.rollout import AttentionRollout as AttentionRollout
    from mmgraph.explain.shapley import Shapley as Shapley
    from mmgraph.explain.units import Sample as Sample
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "AttentionGradient": "mmgraph.explain.relevance",
            "AttentionRollout": "mmgraph.explain.rollout",
            "Attribution": "mmgraph.explain.base",
            "Counterfactual": "mmgraph.explain.counterfactual",
            "EXPLAINERS": "mmgraph.explain.methods",
            "EdgeScores": "mmgraph.explain.record",
            "Explainer": "mmgraph.explain.base",
            "Explanation": "mmgraph.explain.explanation",
            "Explanations": "mmgraph.explain.listed",
            "FunctionModel": "mmgraph.explain.function_model",
            "GradientInput": "mmgraph.explain.gradient",
            "IntegratedGradients": "mmgraph.explain.integrated",
            "ItemInput": "mmgraph.explain.record",
            "NodeScore": "mmgraph.explain.record",
            "Occlusion": "mmgraph.explain.occlusion",
            "PyGExplainer": "mmgraph.explain.pyg",
            "Sample": "mmgraph.explain.units",
            "Shapley": "mmgraph.explain.shapley",
            "compare_explainers": "mmgraph.explain.faithfulness",
            "explain_model": "mmgraph.explain.functions",
            "measure_faithfulness": "mmgraph.explain.faithfulness",
            "plot_explanation": "mmgraph.explain.drawing",
            "plot_graph": "mmgraph.explain.graph_drawing",
            "to_html": "mmgraph.explain.html",
        },
    )
