"""From images to region nodes."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.graph.items import Items
from mmgraph.graph.nodes import Nodes


class RegionCNN(nn.Module):
    """A small plain CNN for training from scratch: one feature vector per 16 × 16 pixels.

    Four times a convolution of 3 × 3 that halves rows and columns, group normalisation
    (https://arxiv.org/abs/1803.08494) and ReLU; no shortcuts, which four layers can do without.
    Group normalisation looks at one image alone: predictions do not depend on the batch, and
    weights can be averaged without statistics to refresh. 0.2 million parameters.

    Shapes:
        pixels [items, 3, height, width] -> [items, 128, height / 16, width / 16], rounded up
    """

    stride = 16
    out_channels = 128

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 96, self.out_channels)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            convolution = nn.Conv2d(before, after, 3, 2, 1, bias=False)
            layers += [convolution, nn.GroupNorm(8, after), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(
        self, pixels: Float[Tensor, "items 3 height width"]
    ) -> Float[Tensor, "items channels rows columns"]:
        """Return one feature vector a region; pixels are RGB from 0 to 255."""
        # White becomes 1 and black -1: roughly the scale that the initial weights expect.
        return self.layers(pixels / 127.5 - 1)


class RegionEncoder(nn.Module):
    """Region nodes: a linear map of region features plus where in the image the region lies.

    LayerNorm(W (f - mean) / std + row + column), where f are frozen features, or what the
    backbone makes of the pixels; row and column are learnt.

    Args:
        in_channels: Channels of the features or of the backbone's map.
        channels: Channels of the nodes.
        rows: Rows of regions in an image.
        columns: Columns of regions.
        backbone: From pixels (0 to 255) to maps, trained along; None: items hold features.
            Default: None.
        mean: Mean of each feature over the training regions; 0 when None. Default: None.
        std: Standard deviation of each feature; 1 when None. Default: None.

    Shapes:
        Items with `features` [items, rows × columns, in_channels], or with `pixels`
        [items, 3, height, width] -> Nodes of the given channels; `kept` [items, rows × columns]
        may say which regions there are
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        in_channels: int,
        channels: int,
        rows: int,
        columns: int,
        *,
        backbone: nn.Module | None = None,
        mean: Float[Tensor, "in_channels"] | None = None,
        std: Float[Tensor, "in_channels"] | None = None,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        if backbone is not None:
            backbone.to(memory_format=torch.channels_last)  # convolves faster, on CPUs too
        self.register_buffer("mean", torch.zeros(in_channels) if mean is None else mean.clone())
        self.register_buffer("std", torch.ones(in_channels) if std is None else std.clone())
        self.project = nn.Linear(in_channels, channels)
        self.row = nn.Parameter(0.02 * torch.randn(rows, 1, channels))
        self.column = nn.Parameter(0.02 * torch.randn(1, columns, channels))
        self.norm = nn.LayerNorm(channels)

    def forward(self, items: Items) -> Nodes:
        """Return the regions of all images as nodes."""
        # Standardised through the weights: no temporary as large as the features.
        weight = self.project.weight / self.std
        x = F.linear(self.features(items), weight, self.project.bias - weight @ self.mean)
        x = self.norm(x + (self.row + self.column).flatten(0, 1))  # [items, regions, channels]
        kept = items.data.get("kept")
        if kept is None:
            return items.nodes(x.flatten(0, 1))
        layout = {**items.node_layout(), "index": kept.nonzero()[:, 1]}
        return Nodes.from_flat(x[kept], **layout, batch_size=items.batch_size)

    def features(self, items: Items) -> Float[Tensor, "items regions in_channels"]:
        """Return the features of each region, before they are standardised."""
        if self.backbone is None:
            return items.data["features"].to(self.mean.dtype)
        pixels = items.data["pixels"].to(self.mean.dtype)
        if not pixels.shape[0]:  # an empty batch would turn batch-norm statistics into NaN
            regions = self.row.shape[0] * self.column.shape[1]
            return pixels.new_zeros(0, regions, len(self.mean))
        maps = self.backbone(pixels.contiguous(memory_format=torch.channels_last))
        return maps.flatten(2).transpose(1, 2)
