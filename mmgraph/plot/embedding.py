"""Fused vectors on a map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from jaxtyping import Float, Shaped

from mmgraph.errors import DataError, MissingPackageError
from mmgraph.plot.style import COLORS, MARKERS, make_axes, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

#: More classes than this share a grey.
_MOST_CLASSES = 20

Projection = Literal["pca", "tsne", "umap"]
_TITLES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}


def plot_embedding(
    vectors: Float[np.ndarray, "rows channels"],
    labels: Any = None,
    *,
    method: Projection = "pca",
    seed: int = 0,
    axes: Axes | None = None,
) -> Figure | SubFigure:
    """Draw vectors as points on a map, coloured by their labels.

    PCA shows true distances as far as two axes can; its axes say how much of the variance they
    hold. t-SNE and UMAP keep neighbours together, and distances between groups, their sizes and
    shapes mean nothing.

    Args:
        vectors: What `estimator.transform` returns.
        labels: A class or a number for each row; None: all alike. Of more than twenty classes
            the rarest share a grey.
        method: "pca", "tsne" (scikit-learn), or "umap" (the package umap-learn).
        seed: Seed of t-SNE and UMAP.
        axes: Where to draw; None: on a new figure.

    Returns:
        The figure.

    Raises:
        DataError: There are fewer than four vectors, or not as many labels.
        MissingPackageError: UMAP is not installed.
    """
    vectors = np.asarray(vectors)
    if len(vectors) < 4:
        raise DataError(f"expected four vectors or more for a map, got {len(vectors)}")
    if labels is not None and len(labels) != len(vectors):
        raise DataError(f"expected a label for each of {len(vectors)} rows, got {len(labels)}")
    points, names = project(vectors, method, seed)
    axes = make_axes(axes, 8.0, 5.5)
    values = None if labels is None else np.asarray(labels)
    if values is None:
        axes.scatter(points[:, 0], points[:, 1], s=14, color=COLORS[0])
    elif values.dtype.kind == "f":
        drawn = axes.scatter(points[:, 0], points[:, 1], s=14, c=values, cmap="viridis")
        axes.figure.colorbar(drawn, ax=axes, label="label")
    else:
        _draw_classes(points, values, axes)
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.set_title(f"{len(vectors)} fused vectors, {_TITLES[method]}")
    axes.set_xticks([])
    axes.set_yticks([])
    return axes.figure


def project(
    vectors: Float[np.ndarray, "rows channels"], method: Projection, seed: int
) -> tuple[Float[np.ndarray, "rows 2"], tuple[str, str]]:
    """Return the points of a map and what its axes are; of arguments, see `plot_embedding`."""
    if method == "pca":
        from sklearn.decomposition import PCA

        if vectors.shape[1] == 1:
            vectors = np.hstack([vectors, np.zeros_like(vectors)])
        pca = PCA(2, random_state=seed)
        points = pca.fit_transform(vectors)
        shares = [f"component {n + 1} ({part:.0%} of the variance)" for n, part in _shares(pca)]
        return points, (shares[0], shares[1])
    if method == "tsne":
        from sklearn.manifold import TSNE

        # Smaller than a third of the rows, as its authors' code asks for.
        perplexity = min(30.0, (len(vectors) - 1) / 3)
        tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        return tsne.fit_transform(vectors), ("t-SNE 1", "t-SNE 2")
    if method == "umap":
        try:
            from umap import UMAP
        except ImportError as error:
            raise MissingPackageError("method='umap' needs pip install umap-learn") from error
        near = min(15, len(vectors) - 1)
        return UMAP(n_neighbors=near, random_state=seed).fit_transform(vectors), (
            "UMAP 1",
            "UMAP 2",
        )
    raise ValueError(f"expected method 'pca', 'tsne' or 'umap', got {method!r}")


def _shares(pca: Any) -> list[tuple[int, float]]:
    return list(enumerate(np.nan_to_num(pca.explained_variance_ratio_)))


def _draw_classes(
    points: Float[np.ndarray, "rows 2"], labels: Shaped[np.ndarray, "rows"], axes: Axes
) -> None:
    classes, counts = np.unique(labels.astype(str), return_counts=True)
    named = np.sort(classes[np.argsort(-counts, kind="stable")[:_MOST_CLASSES]])
    rest = ~np.isin(labels.astype(str), named)
    if rest.any():
        others = f"{len(classes) - len(named)} others"
        drawn = axes.scatter(points[rest, 0], points[rest, 1], 18, "#BBBBBB", marker=".")
        drawn.set(linewidth=0, label=others)
    for number, name in enumerate(named):
        own = points[labels.astype(str) == name]
        color, marker = COLORS[number % 7], MARKERS[number % 8]
        drawn = axes.scatter(own[:, 0], own[:, 1], 26, color, marker=marker, alpha=0.8)
        drawn.set(linewidth=0, label=shorten(name, 24))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8, frameon=False)
