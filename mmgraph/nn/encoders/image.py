"""From images to region nodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.items import Items
from mmgraph.nodes import Nodes


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut: ReLU(shortcut(x) + norm(conv(ReLU(norm(conv(x)))))).

    From `"Deep Residual Learning for Image Recognition" <https://arxiv.org/abs/1512.03385>`_,
    with group normalisation (https://arxiv.org/abs/1803.08494) and an averaging shortcut.

    Args:
        in_channels: Channels of the input.
        channels: Channels of the output.
        stride: 2 halves rows and columns, rounded up.
    """

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.GroupNorm(8, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.GroupNorm(8, channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(in_channels, channels, 1, bias=False),
            )

    def forward(
        self, x: Float[Tensor, "items in_channels height width"]
    ) -> Float[Tensor, "items channels rows columns"]:
        """Apply the block."""
        h = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.shortcut(x) + self.norm2(self.conv2(h)))


class RegionCNN(nn.Module):
    """A small residual CNN for training from scratch: one feature vector per 16 × 16 pixels.

    Group normalisation looks at one image alone: predictions do not depend on the batch, and
    weights can be averaged without statistics to refresh. 0.6 million parameters.

    Shapes:
        pixels [items, 3, height, width] -> [items, 128, height / 16, width / 16], rounded up
    """

    stride = 16
    out_channels = 128

    def __init__(self) -> None:
        super().__init__()
        first, second, third = 32, 64, self.out_channels
        self.stem = nn.Conv2d(3, first, 7, 4, 3, bias=False)
        self.norm = nn.GroupNorm(8, first)
        self.blocks = nn.Sequential(
            ResidualBlock(first, second, stride=2),
            ResidualBlock(second, third, stride=2),
            ResidualBlock(third, third),
        )

    def forward(
        self, pixels: Float[Tensor, "items 3 height width"]
    ) -> Float[Tensor, "items channels rows columns"]:
        """Return one feature vector a region; pixels are RGB from 0 to 255."""
        # White becomes 1 and black -1: roughly the scale that the initial weights expect.
        return self.blocks(F.relu(self.norm(self.stem(pixels / 127.5 - 1))))


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
        mean: Mean of each feature over the training regions; 0 when None.
        std: Standard deviation of each feature; 1 when None.

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
