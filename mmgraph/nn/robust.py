"""Numbers some of which are far off: their loss and their scale do not follow these."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from mmgraph.nn.task import Reduction
from mmgraph.nn.tasks import Regression

#: Standard deviations from which on an error counts by its size, no longer by its square; as good
#: as 95% of the rows for the mean of normal numbers.
_DELTA = 1.345
#: A target farther from the median than this, in standard deviations, votes like one that is not.
_FARTHEST = 3.0
#: Standard deviations of normal numbers in a median of their distances from the median.
_OF_MEDIAN = 1.4826


class RobustRegression(Regression):
    r"""One or several numbers: Huber's loss on targets that median and deviation from it scale.

    Huber (1964), "Robust estimation of a location parameter",
    https://doi.org/10.1214/aoms/1177703732, times two, so that small errors e count as in
    `Regression`:

    .. math:: \ell(e) = e^2 \text{ for } |e| \le \delta, \quad 2 \delta |e| - \delta^2
        \text{ beyond}

    The standard deviation is 1.4826 medians of the distances from the median; where most targets
    are the same, of those that are not 0.

    Args:
        outputs: Number of values.
    """

    def fit(self, target: Float[Tensor, "samples outputs"]) -> None:
        """Learn median and deviation; the prior is the median, a logit of 0."""
        target = target.double()
        self.mean = target.median(dim=0).values
        distance = (target - self.mean).abs()
        typical = distance.median(dim=0).values
        others = distance.where(distance > 0, torch.nan).nanmedian(dim=0).values
        std = _OF_MEDIAN * typical.where(typical > 0, others)
        self.std = std.nan_to_num(nan=1.0)

    def loss(
        self,
        logits: Float[Tensor, "samples outputs"],
        target: Float[Tensor, "samples outputs"],
        *,
        reduction: Reduction = "mean",
        weighted: bool = True,
        label_smoothing: float = 0.0,
    ) -> Float[Tensor, ""]:
        """Return twice Huber's loss in standard deviations; "mean" is also over the values."""
        standardised = self.standardise(target, logits.dtype)
        return 2 * F.huber_loss(logits, standardised, reduction=reduction, delta=_DELTA)

    def indicators(
        self, target: Float[Tensor, "samples outputs"]
    ) -> Float[Tensor, "samples outputs"]:
        """Return the standardised numbers, none of them far off."""
        return super().indicators(target).clamp(-_FARTHEST, _FARTHEST)
