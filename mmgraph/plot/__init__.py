"""Pictures of training and results, with matplotlib; those of a result stand beside it."""

from mmgraph.plot.embedding import plot_embedding
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
    "plot_embedding",
    "plot_history",
    "plot_prediction",
    "plot_results",
    "plot_robustness",
    "plot_scores",
]
