import pytest

from mmgraph.testing.nodes import pad_nodes, random_nodes, shuffle_nodes


def _make_nodes(lengths, *, seed=0, channels=4, shuffle=False, padding=0):
    """Nodes with lengths[sample] = [length of each item], and columns of padding."""
    nodes = random_nodes(lengths, channels, seed=seed)
    return pad_nodes(shuffle_nodes(nodes, seed) if shuffle else nodes, padding)


@pytest.fixture(scope="session")
def make_nodes():
    return _make_nodes


@pytest.fixture(scope="session")
def edges():
    """Return a function that lists the edges of a relation as pairs of rows."""
    return lambda relation, source, target: [
        tuple(pair) for pair in relation.edge_index(source, target).T.tolist()
    ]
