"""The scikit-learn interface: fit, predict, score, save and load."""

from mmgraph.estimator.base import MultimodalEstimator, load
from mmgraph.estimator.classifier import MultimodalGraphClassifier
from mmgraph.estimator.regressor import MultimodalGraphRegressor

__all__ = ["MultimodalEstimator", "MultimodalGraphClassifier", "MultimodalGraphRegressor", "load"]
