import numpy as np
import pytest

from mmgraph import DataError, MissingPackageError
from mmgraph.plot import plot_embedding


@pytest.fixture
def vectors():
    """Three groups far apart along the first of five axes."""
    random = np.random.default_rng(0)
    return random.normal(size=(30, 5)) + np.repeat([0, 20, 40], 10)[:, None] * [1, 0, 0, 0, 0]


def test_classes_on_the_main_components(vectors):
    labels = np.repeat(["ant", "bee", "a class with a very long name"], 10)
    axes = plot_embedding(vectors, labels).axes[0]
    names = [each.get_text() for each in axes.get_legend().get_texts()]
    assert names == ["a class with a very lon…", "ant", "bee"]
    drawn = {each.get_label(): each.get_offsets() for each in axes.collections}
    assert {len(each) for each in drawn.values()} == {10}
    middles = sorted((drawn[name][:, 0].mean() for name in names), key=abs)
    assert abs(middles[0]) < 2
    assert [abs(each) for each in middles[1:]] == pytest.approx([20, 20], abs=2)
    share = vectors.var(0)[0] / vectors.var(0).sum()
    assert axes.get_xlabel() == f"component 1 ({share:.0%} of the variance)"
    assert axes.get_title() == "30 fused vectors, PCA"


def test_neighbours_stay_together(vectors):
    axes = plot_embedding(vectors, np.repeat([1, 2, 3], 10), method="tsne").axes[0]
    points = [each.get_offsets() for each in axes.collections]
    spread = max(np.linalg.norm(each - each.mean(0), axis=1).mean() for each in points)
    apart = min(
        np.linalg.norm(one.mean(0) - other.mean(0))
        for one, other in zip(points, [*points[1:], points[0]], strict=True)
    )
    assert apart > 2 * spread
    assert axes.get_title() == "30 fused vectors, t-SNE"


def test_numbers_have_a_scale(vectors):
    figure = plot_embedding(vectors, np.linspace(0, 1, 30))
    assert figure.axes[1].get_ylabel() == "label"
    np.testing.assert_allclose(figure.axes[0].collections[0].get_array(), np.linspace(0, 1, 30))


def test_rare_classes_share_a_grey(vectors):
    labels = [*range(25), 0, 0, 1, 1, 2]
    axes = plot_embedding(vectors, labels).axes[0]
    names = [each.get_text() for each in axes.get_legend().get_texts()]
    assert len(names) == 21
    assert names[0] == "5 others"
    styles = {
        (tuple(each.get_facecolor()[0]), each.get_paths()[0].vertices.tobytes())
        for each in axes.collections
    }
    assert len(styles) == 21  # no two look the same


def test_vectors_of_one_number_and_without_labels(vectors):
    axes = plot_embedding(vectors[:, :1]).axes[0]
    assert len(axes.collections[0].get_offsets()) == 30
    assert axes.get_legend() is None


def test_umap_is_optional(vectors, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(MissingPackageError, match="pip install umap-learn"):
        plot_embedding(vectors, method="umap")


def test_what_cannot_be_drawn(vectors):
    with pytest.raises(DataError, match="four vectors or more for a map, got 3"):
        plot_embedding(vectors[:3])
    with pytest.raises(DataError, match="a label for each of 30 rows, got 2"):
        plot_embedding(vectors, ["a", "b"])
