"""The scikit-learn interface: fit, predict, score, save and load."""

from typing import TYPE_CHECKING

from mmgraph.system.lazy import hand_on

if TYPE_CHECKING:
    from mmgraph.estimator.base import MultimodalEstimator as MultimodalEstimator
    from mmgraph.estimator.classifier import MultimodalGraphClassifier as MultimodalGraphClassifier
    from mmgraph.estimator.loading import load as load
    from mmgraph.estimator.regressor import MultimodalGraphRegressor as MultimodalGraphRegressor
else:
    __all__, __getattr__, __dir__ = hand_on(
        __name__,
        {
            "MultimodalEstimator": "mmgraph.estimator.base",
            "MultimodalGraphClassifier": "mmgraph.estimator.classifier",
            "MultimodalGraphRegressor": "mmgraph.estimator.regressor",
            "load": "mmgraph.estimator.loading",
        },
    )
