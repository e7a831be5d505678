"""What a fitted model owes to each modality, to their interaction and to its cross-modal edges."""

from mmgraph.diagnosis.projection import additive_projection
from mmgraph.diagnosis.result import Diagnosis, Measure
from mmgraph.diagnosis.run import diagnose

__all__ = ["Diagnosis", "Measure", "additive_projection", "diagnose"]
