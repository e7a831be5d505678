"""Pictures of training and results, with matplotlib; those of a result stand beside it."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.plot.embedding import plot_embedding as plot_embedding
    from mmgraph.plot.results import plot_confusion as plot_confusion
    from mmgraph.plot.results import plot_history as plot_history
    from mmgraph.plot.results import plot_prediction as plot_prediction
    from mmgraph.plot.results import plot_results as plot_results
    from mmgraph.plot.results import plot_scores as plot_scores
    from mmgraph.plot.robustness import plot_robustness as plot_robustness
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "plot_confusion": "mmgraph.plot.results",
            "plot_embedding": "mmgraph.plot.embedding",
            "plot_history": "mmgraph.plot.results",
            "plot_prediction": "mmgraph.plot.results",
            "plot_results": "mmgraph.plot.results",
            "plot_robustness": "mmgraph.plot.robustness",
            "plot_scores": "mmgraph.plot.results",
        },
    )
