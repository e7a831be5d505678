"""Pictures of data, training, results and what a model does, with matplotlib."""

from mmgraph.diagnosis.pictures import plot_diagnosis
from mmgraph.explain.drawing import plot_explanation
from mmgraph.plot.embedding import plot_embedding
from mmgraph.plot.graph import plot_graph
from mmgraph.plot.results import (
    plot_confusion,
    plot_history,
    plot_prediction,
    plot_results,
    plot_scores,
)
from mmgraph.plot.robustness import plot_robustness

__all__ = [
    "plot_confusion",
    "plot_diagnosis",
    "plot_embedding",
    "plot_explanation",
    "plot_graph",
    "plot_history",
    "plot_prediction",
    "plot_results",
    "plot_robustness",
    "plot_scores",
]
