"""The scikit-learn interface: fit, predict, score, save and load."""

from mmgraph.estimator.base import MultimodalEstimator
from mmgraph.estimator.classifier import MultimodalGraphClassifier
from mmgraph.estimator.loading import load
from mmgraph.estimator.regressor import MultimodalGraphRegressor

__all__ = ["MultimodalEstimator", "MultimodalGraphClassifier", "MultimodalGraphRegressor", "load"]
