"""What a fitted model owes to each modality, to their interaction and to its cross-modal edges."""

from mmgraph.diagnosis.measures import Measure
from mmgraph.diagnosis.projection import additive_projection
from mmgraph.diagnosis.result import Diagnosis
from mmgraph.diagnosis.run import diagnose

__all__ = ["Diagnosis", "Measure", "additive_projection", "diagnose"]
