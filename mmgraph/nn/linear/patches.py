"""A summary of image patches: what can be learnt of images without labels or pretraining."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from mmgraph.graph.items import Items
from mmgraph.nn.linear.features import PooledFeatures, kept_nodes, mean_of_items

_PATCH, _SIDE, _STRIDE, _QUARTERS = 6, 48, 2, 2
_MAX_PATCHES, _ROUNDS = 40_000, 15
#: Added to the variances of patches (of 0 to 1) and of their whitened directions.
_CONTRAST_FLOOR, _WHITENING_FLOOR = 0.01, 0.05


class PatchFeatures(PooledFeatures):
    """Soft counts of typical patches in the four quarters of an image.

    [Coates, Lee and Ng, 2011](https://proceedings.mlr.press/v15/coates11a.html): patches of 6
    × 6 pixels are normalised, whitened and compared with k-means centroids; how much closer
    than average each centroid is, is summed up by quarter.

    Args:
        num_centroids: Number of typical patches. Default: 400.
        key: Name of the pixels in `Items.data`, [items, 3, height, width], 0 to 255.
            Default: "pixels".
        scale: Length of a standardised sample. Default: 2.0.
    """

    centroids: Tensor
    whitening: Tensor
    mean: Tensor

    def __init__(
        self, num_centroids: int = 400, key: str = "pixels", *, scale: float = 2.0
    ) -> None:
        super().__init__()
        self.key, self.scale = key, scale
        channels = 3 * _PATCH**2
        self.register_buffer("centroids", torch.zeros(num_centroids, channels))
        self.register_buffer("whitening", torch.eye(channels))
        self.register_buffer("mean", torch.zeros(channels))

    @property
    def width(self) -> int:
        """Number of features: centroids times quarters."""
        return len(self.centroids) * _QUARTERS**2

    def fit(self, batches: Iterable[Items]) -> None:
        """Learn the whitening and the centroids from patches of the training images."""
        # Seeded here and not from outside: more data must not change anything else.
        generator = torch.Generator().manual_seed(0)
        found = [torch.zeros(0, len(self.mean))]
        for items in batches:
            patches = self._patches(items.data[self.key]).flatten(0, 1)
            # Plain background is everywhere and says nothing.
            patches = patches[patches.square().mean(1) > 1e-6]
            found.append(patches[torch.randperm(len(patches), generator=generator)[:2000]])
        patches = torch.cat(found)
        patches = patches[torch.randperm(len(patches), generator=generator)[:_MAX_PATCHES]]
        if not len(patches):
            return
        self.mean = patches.mean(0)
        centred = patches - self.mean
        values, vectors = torch.linalg.eigh(centred.T @ centred / len(patches))
        scale = (values.clamp_min(0) + _WHITENING_FLOOR).rsqrt()
        self.whitening = vectors * scale @ vectors.T
        white = centred @ self.whitening
        first = torch.randint(len(white), (len(self.centroids),), generator=generator)
        self.centroids = _k_means(white, white[first])

    def forward(self, items: Items) -> Float[Tensor, "batch features"]:
        """Return the mean counts over each sample's images."""
        maps = self._maps(items)
        if maps.shape[0]:  # pooling does not take an empty batch
            maps = F.adaptive_avg_pool2d(maps, _QUARTERS)
        return mean_of_items(maps.reshape(maps.shape[0], self.width), items)

    def parts(self, items: Items) -> Float[Tensor, "nodes features"]:
        """Return the counts of the patches whose centre lies in each region.

        Where some regions of an image are gone, what their plain patches still add is shared
        by the others.
        """
        maps = self._maps(items)  # [images, centroids, side, side]
        images, centroids, side, _ = maps.shape
        region = self._regions(items)  # [side * side]
        half = torch.arange(side) * _QUARTERS // side
        quarter = (half.unsqueeze(1) * _QUARTERS + half).flatten()
        regions, quarters = self._number_of_regions(items), _QUARTERS**2
        count = torch.bincount(quarter, minlength=quarters)
        flat = maps.flatten(2).transpose(1, 2) / count[quarter].unsqueeze(1)
        parts = maps.new_zeros(images, regions * quarters, centroids)
        parts = parts.index_add(1, region * quarters + quarter, flat)
        parts = parts.unflatten(1, (regions, quarters)).transpose(2, 3).flatten(2)
        kept = kept_nodes(items, regions)
        gone = (parts * ~kept.unsqueeze(2)).sum(1) / items.length.clamp_min(1).unsqueeze(1)
        owned = (parts + gone.unsqueeze(1))[kept]
        number_of_items = torch.bincount(items.sample, minlength=items.batch_size)
        return owned / number_of_items[items.node_layout()["sample"]].unsqueeze(1)

    def _maps(self, items: Items) -> Float[Tensor, "images centroids side side"]:
        """Return how close each patch is to each centroid; plain where regions are gone."""
        patches = self._patches(items.data[self.key])
        if "kept" in items.data:
            patches = patches * items.data["kept"][:, self._regions(items)].unsqueeze(2)
        images, places, _ = patches.shape
        distance = torch.cdist((patches - self.mean) @ self.whitening, self.centroids)
        closeness = (distance.mean(2, keepdim=True) - distance).clamp_min(0)
        side = round(places**0.5)
        return closeness.transpose(1, 2).reshape(images, len(self.centroids), side, side)

    def _number_of_regions(self, items: Items) -> int:
        if "kept" in items.data:
            return items.data["kept"].shape[1]
        return int(items.length[0]) if len(items.length) else 1

    def _regions(self, items: Items) -> Int[Tensor, "places"]:
        """Return the region in which the centre of each patch lies; regions form a square."""
        rows = round(self._number_of_regions(items) ** 0.5)
        side = (_SIDE - _PATCH) // _STRIDE + 1
        centre = torch.arange(side) * _STRIDE + _PATCH / 2
        row = (centre * rows / _SIDE).long()
        return (row.unsqueeze(1) * rows + row).flatten()

    def _patches(self, pixels: Tensor) -> Float[Tensor, "images places channels"]:
        """Cut out patches and normalise brightness and contrast of each."""
        if not pixels.shape[0]:
            side = (_SIDE - _PATCH) // _STRIDE + 1
            return self.mean.new_zeros(0, side * side, len(self.mean))
        small = F.interpolate(pixels.float() / 255, (_SIDE, _SIDE), mode="area")
        patches = F.unfold(small, _PATCH, stride=_STRIDE).transpose(1, 2)
        centred = patches - patches.mean(2, keepdim=True)
        return centred / (patches.var(2, keepdim=True) + _CONTRAST_FLOOR).sqrt()


def _k_means(
    x: Float[Tensor, "patches channels"], centroids: Float[Tensor, "centroids channels"]
) -> Float[Tensor, "centroids channels"]:
    for _ in range(_ROUNDS):
        nearest = torch.cdist(x, centroids).argmin(1)
        count = torch.bincount(nearest, minlength=len(centroids)).unsqueeze(1)
        total = torch.zeros_like(centroids).index_add(0, nearest, x)
        # A centroid that nothing is nearest to stays where it is.
        centroids = torch.where(count > 0, total / count.clamp_min(1), centroids)
    return centroids
