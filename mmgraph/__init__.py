"""Graph-based multimodal learning: images, texts and more as one graph per sample."""

from __future__ import annotations

import importlib
import warnings
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

#: Where each public name lives. They are imported when first used, so that `import mmgraph`
#: does not load PyG, scikit-learn, Lightning, timm, transformers, matplotlib or pandas.
_MODULE_OF = {
    "DataError": "mmgraph.errors",
    "ExportError": "mmgraph.errors",
    "MissingPackageError": "mmgraph.errors",
    "Nodes": "mmgraph.graph.nodes",
    "Items": "mmgraph.graph.items",
    "Relation": "mmgraph.graph.relations",
    "Grid": "mmgraph.graph.relations",
    "Chain": "mmgraph.graph.relations",
    "Complete": "mmgraph.graph.relations",
    "Custom": "mmgraph.graph.relations",
    "EdgeList": "mmgraph.graph.relations",
    "Nearest": "mmgraph.graph.relations",
    "OtherItems": "mmgraph.graph.relations",
    "SameItem": "mmgraph.graph.relations",
    "WithPosition": "mmgraph.graph.relations",
    "MultimodalGraph": "mmgraph.graph.graph",
    "Modality": "mmgraph.modalities.base",
    "Image": "mmgraph.modalities.image",
    "Text": "mmgraph.modalities.text",
    "Audio": "mmgraph.modalities.audio",
    "Video": "mmgraph.modalities.video",
    "Tabular": "mmgraph.modalities.tabular",
    "Features": "mmgraph.modalities.features",
    "GraphFusion": "mmgraph.nn.fusion.graph",
    "MultimodalModel": "mmgraph.nn.model",
    "MultimodalGraphClassifier": "mmgraph.estimator",
    "MultimodalGraphRegressor": "mmgraph.estimator",
    "load": "mmgraph.estimator",
    "load_exported": "mmgraph.export",
    "ParquetTable": "mmgraph.tables.parquet",
    "ArrowTable": "mmgraph.tables.arrow",
    "MultimodalDataset": "mmgraph.datasets.base",
    "load_easy_vqa": "mmgraph.datasets.easy_vqa",
    "load_av_digits": "mmgraph.datasets.av_digits",
    "load_av_mnist": "mmgraph.datasets.av_mnist",
    "load_crisis_mmd": "mmgraph.datasets.crisis_mmd",
    "load_folder": "mmgraph.datasets.folder",
    "load_food101": "mmgraph.datasets.food101",
    "load_hateful_memes": "mmgraph.datasets.hateful_memes",
    "load_fine_grained_hateful_memes": "mmgraph.datasets.hateful_memes",
    "load_hugging_face": "mmgraph.datasets.hugging_face",
    "load_iemocap": "mmgraph.datasets.iemocap",
    "load_meld": "mmgraph.datasets.iemocap",
    "load_mm_imdb": "mmgraph.datasets.mm_imdb",
    "load_mosei": "mmgraph.datasets.mosi",
    "load_mosi": "mmgraph.datasets.mosi",
    "load_mvsa": "mmgraph.datasets.mvsa",
    "load_n24news": "mmgraph.datasets.n24news",
    "load_openclipart": "mmgraph.datasets.openclipart",
    "Comparison": "mmgraph.comparison.result",
    "compare": "mmgraph.comparison.run",
    "evaluate_predictions": "mmgraph.metrics",
    "default_metrics": "mmgraph.metrics",
    "clear_cache": "mmgraph.system.cache",
    "Diagnosis": "mmgraph.diagnosis",
    "diagnose": "mmgraph.diagnosis",
    "Explanation": "mmgraph.explain",
    "compare_explainers": "mmgraph.explain",
    "hide": "mmgraph.robustness",
    "robustness_curve": "mmgraph.robustness",
}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'mmgraph' has no attribute {name!r}")
    with warnings.catch_warnings():
        # PyG and torchvision on recent torch; nothing that a user could mend.
        warnings.filterwarnings("ignore", message="`torch.jit.script` is deprecated")
        value = getattr(importlib.import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


if TYPE_CHECKING:
    from mmgraph.comparison.result import Comparison as Comparison
    from mmgraph.comparison.run import compare as compare
    from mmgraph.datasets.av_digits import load_av_digits as load_av_digits
    from mmgraph.datasets.av_mnist import load_av_mnist as load_av_mnist
    from mmgraph.datasets.base import MultimodalDataset as MultimodalDataset
    from mmgraph.datasets.crisis_mmd import load_crisis_mmd as load_crisis_mmd
    from mmgraph.datasets.easy_vqa import load_easy_vqa as load_easy_vqa
    from mmgraph.datasets.folder import load_folder as load_folder
    from mmgraph.datasets.food101 import load_food101 as load_food101
    from mmgraph.datasets.hateful_memes import (
        load_fine_grained_hateful_memes as load_fine_grained_hateful_memes,
    )
    from mmgraph.datasets.hateful_memes import load_hateful_memes as load_hateful_memes
    from mmgraph.datasets.hugging_face import load_hugging_face as load_hugging_face
    from mmgraph.datasets.iemocap import load_iemocap as load_iemocap
    from mmgraph.datasets.iemocap import load_meld as load_meld
    from mmgraph.datasets.mm_imdb import load_mm_imdb as load_mm_imdb
    from mmgraph.datasets.mosi import load_mosei as load_mosei
    from mmgraph.datasets.mosi import load_mosi as load_mosi
    from mmgraph.datasets.mvsa import load_mvsa as load_mvsa
    from mmgraph.datasets.n24news import load_n24news as load_n24news
    from mmgraph.datasets.openclipart import load_openclipart as load_openclipart
    from mmgraph.diagnosis import Diagnosis as Diagnosis
    from mmgraph.diagnosis import diagnose as diagnose
    from mmgraph.errors import DataError as DataError
    from mmgraph.errors import ExportError as ExportError
    from mmgraph.errors import MissingPackageError as MissingPackageError
    from mmgraph.estimator import MultimodalGraphClassifier as MultimodalGraphClassifier
    from mmgraph.estimator import MultimodalGraphRegressor as MultimodalGraphRegressor
    from mmgraph.estimator import load as load
    from mmgraph.explain import Explanation as Explanation
    from mmgraph.explain import compare_explainers as compare_explainers
    from mmgraph.export import load_exported as load_exported
    from mmgraph.graph.graph import MultimodalGraph as MultimodalGraph
    from mmgraph.graph.items import Items as Items
    from mmgraph.graph.nodes import Nodes as Nodes
    from mmgraph.graph.relations import Chain as Chain
    from mmgraph.graph.relations import Complete as Complete
    from mmgraph.graph.relations import Custom as Custom
    from mmgraph.graph.relations import EdgeList as EdgeList
    from mmgraph.graph.relations import Grid as Grid
    from mmgraph.graph.relations import Nearest as Nearest
    from mmgraph.graph.relations import OtherItems as OtherItems
    from mmgraph.graph.relations import Relation as Relation
    from mmgraph.graph.relations import SameItem as SameItem
    from mmgraph.graph.relations import WithPosition as WithPosition
    from mmgraph.metrics import default_metrics as default_metrics
    from mmgraph.metrics import evaluate_predictions as evaluate_predictions
    from mmgraph.modalities.audio import Audio as Audio
    from mmgraph.modalities.base import Modality as Modality
    from mmgraph.modalities.features import Features as Features
    from mmgraph.modalities.image import Image as Image
    from mmgraph.modalities.tabular import Tabular as Tabular
    from mmgraph.modalities.text import Text as Text
    from mmgraph.modalities.video import Video as Video
    from mmgraph.nn.fusion.graph import GraphFusion as GraphFusion
    from mmgraph.nn.model import MultimodalModel as MultimodalModel
    from mmgraph.robustness import hide as hide
    from mmgraph.robustness import robustness_curve as robustness_curve
    from mmgraph.system.cache import clear_cache as clear_cache
    from mmgraph.tables.arrow import ArrowTable as ArrowTable
    from mmgraph.tables.parquet import ParquetTable as ParquetTable
