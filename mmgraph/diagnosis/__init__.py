"""What a fitted model owes to each modality, to their interaction and to its cross-modal edges."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.diagnosis.edges import fuse_without_cross_edges as fuse_without_cross_edges
    from mmgraph.diagnosis.measures import Measure as Measure
    from mmgraph.diagnosis.pictures import plot_diagnosis as plot_diagnosis
    from mmgraph.diagnosis.projection import additive_projection as additive_projection
    from mmgraph.diagnosis.result import Diagnosis as Diagnosis
    from mmgraph.diagnosis.run import diagnose as diagnose
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Diagnosis": "mmgraph.diagnosis.result",
            "Measure": "mmgraph.diagnosis.measures",
            "additive_projection": "mmgraph.diagnosis.projection",
            "diagnose": "mmgraph.diagnosis.run",
            "fuse_without_cross_edges": "mmgraph.diagnosis.edges",
            "plot_diagnosis": "mmgraph.diagnosis.pictures",
        },
    )
