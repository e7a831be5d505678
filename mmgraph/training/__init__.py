"""Training on Lightning: the only package that imports it."""

from mmgraph.training.callbacks import BestWeights, History
from mmgraph.training.checkpoint import Checkpoint
from mmgraph.training.launch import Launch, find_launch, join_processes
from mmgraph.training.module import TrainingModule, TrainingSettings
from mmgraph.training.run import TrainingResult, stop_on_interrupt, train

__all__ = [
    "BestWeights",
    "Checkpoint",
    "History",
    "Launch",
    "TrainingModule",
    "TrainingResult",
    "TrainingSettings",
    "find_launch",
    "join_processes",
    "stop_on_interrupt",
    "train",
]
