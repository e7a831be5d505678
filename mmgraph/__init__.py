"""Graph-based multimodal learning: images, texts and more as one graph per sample."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on
from mmgraph.version import __version__ as __version__

if TYPE_CHECKING:
    from mmgraph import checks as checks
    from mmgraph import comparison as comparison
    from mmgraph import data as data
    from mmgraph import datasets as datasets
    from mmgraph import diagnosis as diagnosis
    from mmgraph import errors as errors
    from mmgraph import estimator as estimator
    from mmgraph import explain as explain
    from mmgraph import export as export
    from mmgraph import graph as graph
    from mmgraph import links as links
    from mmgraph import message_passing as message_passing
    from mmgraph import metrics as metrics
    from mmgraph import modalities as modalities
    from mmgraph import nn as nn
    from mmgraph import plot as plot
    from mmgraph import relations as relations
    from mmgraph import reports as reports
    from mmgraph import robustness as robustness
    from mmgraph import tables as tables
    from mmgraph import testing as testing
    from mmgraph import training as training
    from mmgraph.checks.result import DataCheck as DataCheck
    from mmgraph.checks.run import check as check
    from mmgraph.comparison.result import Comparison as Comparison
    from mmgraph.comparison.run import compare as compare
    from mmgraph.datasets.base import MultimodalDataset as MultimodalDataset
    from mmgraph.diagnosis.result import Diagnosis as Diagnosis
    from mmgraph.diagnosis.run import diagnose as diagnose
    from mmgraph.errors import DataError as DataError
    from mmgraph.errors import ExportError as ExportError
    from mmgraph.errors import MissingPackageError as MissingPackageError
    from mmgraph.estimator.classifier import MultimodalGraphClassifier as MultimodalGraphClassifier
    from mmgraph.estimator.loading import load as load
    from mmgraph.estimator.regressor import MultimodalGraphRegressor as MultimodalGraphRegressor
    from mmgraph.explain.base import Explainer as Explainer
    from mmgraph.explain.explanation import Explanation as Explanation
    from mmgraph.explain.faithfulness import compare_explainers as compare_explainers
    from mmgraph.export.exported import load_exported as load_exported
    from mmgraph.fitted import FittedModel as FittedModel
    from mmgraph.graph.graph import MultimodalGraph as MultimodalGraph
    from mmgraph.graph.items import Items as Items
    from mmgraph.graph.nodes import Nodes as Nodes
    from mmgraph.graph.relations.base import Relation as Relation
    from mmgraph.graph.relations.chain import Chain as Chain
    from mmgraph.graph.relations.complete import Complete as Complete
    from mmgraph.graph.relations.custom import Custom as Custom
    from mmgraph.graph.relations.edge_list import EdgeList as EdgeList
    from mmgraph.graph.relations.grid import Grid as Grid
    from mmgraph.graph.relations.items import OtherItems as OtherItems
    from mmgraph.graph.relations.items import SameItem as SameItem
    from mmgraph.graph.relations.nearest import Nearest as Nearest
    from mmgraph.graph.relations.position import WithPosition as WithPosition
    from mmgraph.links.by_key import Link as Link
    from mmgraph.links.same_value import SameValue as SameValue
    from mmgraph.links.sequence import Sequence as Sequence
    from mmgraph.message_passing.base import DenseForm as DenseForm
    from mmgraph.metrics import default_metrics as default_metrics
    from mmgraph.metrics import evaluate_predictions as evaluate_predictions
    from mmgraph.modalities.audio import Audio as Audio
    from mmgraph.modalities.base import Modality as Modality
    from mmgraph.modalities.base import Place as Place
    from mmgraph.modalities.features import Features as Features
    from mmgraph.modalities.image import Image as Image
    from mmgraph.modalities.tabular import Tabular as Tabular
    from mmgraph.modalities.text import Text as Text
    from mmgraph.modalities.video import Video as Video
    from mmgraph.nn.fusion.base import Fusion as Fusion
    from mmgraph.nn.fusion.graph import GraphFusion as GraphFusion
    from mmgraph.nn.model import MultimodalModel as MultimodalModel
    from mmgraph.nn.task import Task as Task
    from mmgraph.reports.result import ModelReport as ModelReport
    from mmgraph.reports.run import report as report
    from mmgraph.robustness import hide as hide
    from mmgraph.robustness import robustness_curve as robustness_curve
    from mmgraph.system.cache import clear_cache as clear_cache
    from mmgraph.system.plugins import add_plugin as add_plugin
    from mmgraph.tables.arrow import ArrowTable as ArrowTable
    from mmgraph.tables.parquet import ParquetTable as ParquetTable
    from mmgraph.training.settings import Training as Training
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "ArrowTable": "mmgraph.tables.arrow",
            "Audio": "mmgraph.modalities.audio",
            "Chain": "mmgraph.graph.relations.chain",
            "Comparison": "mmgraph.comparison.result",
            "Complete": "mmgraph.graph.relations.complete",
            "Custom": "mmgraph.graph.relations.custom",
            "DataCheck": "mmgraph.checks.result",
            "DataError": "mmgraph.errors",
            "DenseForm": "mmgraph.message_passing.base",
            "Diagnosis": "mmgraph.diagnosis.result",
            "EdgeList": "mmgraph.graph.relations.edge_list",
            "Explainer": "mmgraph.explain.base",
            "Explanation": "mmgraph.explain.explanation",
            "ExportError": "mmgraph.errors",
            "Features": "mmgraph.modalities.features",
            "FittedModel": "mmgraph.fitted",
            "Fusion": "mmgraph.nn.fusion.base",
            "GraphFusion": "mmgraph.nn.fusion.graph",
            "Grid": "mmgraph.graph.relations.grid",
            "Image": "mmgraph.modalities.image",
            "Items": "mmgraph.graph.items",
            "Link": "mmgraph.links.by_key",
            "MissingPackageError": "mmgraph.errors",
            "ModelReport": "mmgraph.reports.result",
            "Modality": "mmgraph.modalities.base",
            "MultimodalDataset": "mmgraph.datasets.base",
            "MultimodalGraph": "mmgraph.graph.graph",
            "MultimodalGraphClassifier": "mmgraph.estimator.classifier",
            "MultimodalGraphRegressor": "mmgraph.estimator.regressor",
            "MultimodalModel": "mmgraph.nn.model",
            "Nearest": "mmgraph.graph.relations.nearest",
            "Nodes": "mmgraph.graph.nodes",
            "OtherItems": "mmgraph.graph.relations.items",
            "ParquetTable": "mmgraph.tables.parquet",
            "Place": "mmgraph.modalities.base",
            "Relation": "mmgraph.graph.relations.base",
            "SameItem": "mmgraph.graph.relations.items",
            "SameValue": "mmgraph.links.same_value",
            "Sequence": "mmgraph.links.sequence",
            "Tabular": "mmgraph.modalities.tabular",
            "Task": "mmgraph.nn.task",
            "Text": "mmgraph.modalities.text",
            "Video": "mmgraph.modalities.video",
            "WithPosition": "mmgraph.graph.relations.position",
            "check": "mmgraph.checks.run",
            "clear_cache": "mmgraph.system.cache",
            "compare": "mmgraph.comparison.run",
            "compare_explainers": "mmgraph.explain.faithfulness",
            "add_plugin": "mmgraph.system.plugins",
            "default_metrics": "mmgraph.metrics",
            "diagnose": "mmgraph.diagnosis.run",
            "evaluate_predictions": "mmgraph.metrics",
            "hide": "mmgraph.robustness",
            "Training": "mmgraph.training.settings",
            "load": "mmgraph.estimator.loading",
            "load_exported": "mmgraph.export.exported",
            "report": "mmgraph.reports.run",
            "robustness_curve": "mmgraph.robustness",
        },
        rooms=(
            "checks",
            "comparison",
            "data",
            "datasets",
            "diagnosis",
            "errors",
            "estimator",
            "explain",
            "export",
            "graph",
            "links",
            "message_passing",
            "metrics",
            "modalities",
            "nn",
            "plot",
            "relations",
            "reports",
            "robustness",
            "tables",
            "testing",
            "training",
        ),
    )
