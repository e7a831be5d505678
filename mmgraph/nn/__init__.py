"""Networks: encoders, readouts, fusions, tasks, the linear model, and the whole model."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.nn.encoders.audio import FrameEncoder as FrameEncoder
    from mmgraph.nn.encoders.audio import MaskedConv as MaskedConv
    from mmgraph.nn.encoders.backbones import Backbone as Backbone
    from mmgraph.nn.encoders.backbones import load_backbone as load_backbone
    from mmgraph.nn.encoders.features import VectorEncoder as VectorEncoder
    from mmgraph.nn.encoders.image import RegionCNN as RegionCNN
    from mmgraph.nn.encoders.image import RegionEncoder as RegionEncoder
    from mmgraph.nn.encoders.recurrent import BidirectionalRNN as BidirectionalRNN
    from mmgraph.nn.encoders.tabular import ColumnEncoder as ColumnEncoder
    from mmgraph.nn.encoders.text import TokenEncoder as TokenEncoder
    from mmgraph.nn.fusion.attention import NodeAttention as NodeAttention
    from mmgraph.nn.fusion.attention import make_feed_forward as make_feed_forward
    from mmgraph.nn.fusion.base import Fusion as Fusion
    from mmgraph.nn.fusion.base import check_modalities as check_modalities
    from mmgraph.nn.fusion.base import find_present as find_present
    from mmgraph.nn.fusion.base import read_each as read_each
    from mmgraph.nn.fusion.base import share_present as share_present
    from mmgraph.nn.fusion.bilinear import BilinearFusion as BilinearFusion
    from mmgraph.nn.fusion.bottleneck import BottleneckFusion as BottleneckFusion
    from mmgraph.nn.fusion.choice import FusionChoice as FusionChoice
    from mmgraph.nn.fusion.concat import ConcatFusion as ConcatFusion
    from mmgraph.nn.fusion.cross_attention import CrossAttentionFusion as CrossAttentionFusion
    from mmgraph.nn.fusion.film import FiLMFusion as FiLMFusion
    from mmgraph.nn.fusion.gmu import GatedFusion as GatedFusion
    from mmgraph.nn.fusion.graph import GraphFusion as GraphFusion
    from mmgraph.nn.fusion.graph import default_relations as default_relations
    from mmgraph.nn.fusion.late import LateFusion as LateFusion
    from mmgraph.nn.fusion.low_rank import LowRankFusion as LowRankFusion
    from mmgraph.nn.fusion.names import FUSIONS as FUSIONS
    from mmgraph.nn.fusion.names import FusionLike as FusionLike
    from mmgraph.nn.fusion.names import find_fusion as find_fusion
    from mmgraph.nn.fusion.tensor import TensorFusion as TensorFusion
    from mmgraph.nn.fusion.weighted_sum import WeightedSumFusion as WeightedSumFusion
    from mmgraph.nn.linear.features import CategoryFeatures as CategoryFeatures
    from mmgraph.nn.linear.features import MeanFeatures as MeanFeatures
    from mmgraph.nn.linear.features import NgramFeatures as NgramFeatures
    from mmgraph.nn.linear.features import NodeMeanFeatures as NodeMeanFeatures
    from mmgraph.nn.linear.features import NumberFeatures as NumberFeatures
    from mmgraph.nn.linear.features import PooledFeatures as PooledFeatures
    from mmgraph.nn.linear.model import LinearModel as LinearModel
    from mmgraph.nn.linear.model import LinearParts as LinearParts
    from mmgraph.nn.linear.patches import PatchFeatures as PatchFeatures
    from mmgraph.nn.model import MultimodalModel as MultimodalModel
    from mmgraph.nn.outputs import Outputs as Outputs
    from mmgraph.nn.readout import Readout as Readout
    from mmgraph.nn.readout import ReadoutKind as ReadoutKind
    from mmgraph.nn.readout import ReadoutLike as ReadoutLike
    from mmgraph.nn.readout import make_readout as make_readout
    from mmgraph.nn.robust import RobustRegression as RobustRegression
    from mmgraph.nn.task import Task as Task
    from mmgraph.nn.tasks import Multiclass as Multiclass
    from mmgraph.nn.tasks import Multilabel as Multilabel
    from mmgraph.nn.tasks import Regression as Regression
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "Backbone": "mmgraph.nn.encoders.backbones",
            "BidirectionalRNN": "mmgraph.nn.encoders.recurrent",
            "BilinearFusion": "mmgraph.nn.fusion.bilinear",
            "BottleneckFusion": "mmgraph.nn.fusion.bottleneck",
            "CategoryFeatures": "mmgraph.nn.linear.features",
            "ColumnEncoder": "mmgraph.nn.encoders.tabular",
            "ConcatFusion": "mmgraph.nn.fusion.concat",
            "CrossAttentionFusion": "mmgraph.nn.fusion.cross_attention",
            "FUSIONS": "mmgraph.nn.fusion.names",
            "FiLMFusion": "mmgraph.nn.fusion.film",
            "FrameEncoder": "mmgraph.nn.encoders.audio",
            "Fusion": "mmgraph.nn.fusion.base",
            "FusionChoice": "mmgraph.nn.fusion.choice",
            "FusionLike": "mmgraph.nn.fusion.names",
            "GatedFusion": "mmgraph.nn.fusion.gmu",
            "GraphFusion": "mmgraph.nn.fusion.graph",
            "LateFusion": "mmgraph.nn.fusion.late",
            "LinearModel": "mmgraph.nn.linear.model",
            "LinearParts": "mmgraph.nn.linear.model",
            "LowRankFusion": "mmgraph.nn.fusion.low_rank",
            "MaskedConv": "mmgraph.nn.encoders.audio",
            "MeanFeatures": "mmgraph.nn.linear.features",
            "Multiclass": "mmgraph.nn.tasks",
            "Multilabel": "mmgraph.nn.tasks",
            "MultimodalModel": "mmgraph.nn.model",
            "NgramFeatures": "mmgraph.nn.linear.features",
            "NodeAttention": "mmgraph.nn.fusion.attention",
            "NodeMeanFeatures": "mmgraph.nn.linear.features",
            "NumberFeatures": "mmgraph.nn.linear.features",
            "Outputs": "mmgraph.nn.outputs",
            "PatchFeatures": "mmgraph.nn.linear.patches",
            "PooledFeatures": "mmgraph.nn.linear.features",
            "Readout": "mmgraph.nn.readout",
            "ReadoutKind": "mmgraph.nn.readout",
            "ReadoutLike": "mmgraph.nn.readout",
            "RegionCNN": "mmgraph.nn.encoders.image",
            "RegionEncoder": "mmgraph.nn.encoders.image",
            "Regression": "mmgraph.nn.tasks",
            "RobustRegression": "mmgraph.nn.robust",
            "Task": "mmgraph.nn.task",
            "TensorFusion": "mmgraph.nn.fusion.tensor",
            "TokenEncoder": "mmgraph.nn.encoders.text",
            "VectorEncoder": "mmgraph.nn.encoders.features",
            "WeightedSumFusion": "mmgraph.nn.fusion.weighted_sum",
            "check_modalities": "mmgraph.nn.fusion.base",
            "default_relations": "mmgraph.nn.fusion.graph",
            "find_fusion": "mmgraph.nn.fusion.names",
            "find_present": "mmgraph.nn.fusion.base",
            "load_backbone": "mmgraph.nn.encoders.backbones",
            "make_feed_forward": "mmgraph.nn.fusion.attention",
            "make_readout": "mmgraph.nn.readout",
            "read_each": "mmgraph.nn.fusion.base",
            "share_present": "mmgraph.nn.fusion.base",
        },
    )
