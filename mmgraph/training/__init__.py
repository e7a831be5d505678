"""Training on Lightning: the only package that imports it, when something of it is first used."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.training.callbacks import BestWeights as BestWeights
    from mmgraph.training.callbacks import History as History
    from mmgraph.training.checkpoint import Checkpoint as Checkpoint
    from mmgraph.training.device import check_device as check_device
    from mmgraph.training.launch import Launch as Launch
    from mmgraph.training.launch import find_launch as find_launch
    from mmgraph.training.launch import join_processes as join_processes
    from mmgraph.training.module import TrainingModule as TrainingModule
    from mmgraph.training.run import TrainingResult as TrainingResult
    from mmgraph.training.run import stop_on_interrupt as stop_on_interrupt
    from mmgraph.training.run import train as train
    from mmgraph.training.settings import OPTIMIZERS as OPTIMIZERS
    from mmgraph.training.settings import Surroundings as Surroundings
    from mmgraph.training.settings import Training as Training
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "BestWeights": "mmgraph.training.callbacks",
            "Checkpoint": "mmgraph.training.checkpoint",
            "History": "mmgraph.training.callbacks",
            "Launch": "mmgraph.training.launch",
            "OPTIMIZERS": "mmgraph.training.settings",
            "Surroundings": "mmgraph.training.settings",
            "Training": "mmgraph.training.settings",
            "TrainingModule": "mmgraph.training.module",
            "TrainingResult": "mmgraph.training.run",
            "check_device": "mmgraph.training.device",
            "find_launch": "mmgraph.training.launch",
            "join_processes": "mmgraph.training.launch",
            "stop_on_interrupt": "mmgraph.training.run",
            "train": "mmgraph.training.run",
        },
    )
