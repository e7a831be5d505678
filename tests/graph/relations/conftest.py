import pytest
import torch

from mmgraph.graph.nodes import Nodes


def _make_nodes(lengths, *, seed=0, channels=4, shuffle=False, padding=0):
    """Nodes with lengths[sample] = [length of each item], and columns of padding.

    Shuffling changes the order of the nodes within each sample, and nothing else.
    """
    generator = torch.Generator().manual_seed(seed)
    rows, order = [], []
    for sample, items in enumerate(lengths):
        own = [(sample, item, i) for item, length in enumerate(items) for i in range(length)]
        order += [len(rows) + i for i in torch.randperm(len(own), generator=generator).tolist()]
        rows += own
    x = torch.randn(len(rows), channels, generator=generator)
    table = torch.tensor(rows, dtype=torch.long).view(-1, 3)
    if shuffle:
        x, table = x[order], table[order]
    sample, item, index = table.unbind(1)
    nodes = Nodes.from_flat(x, sample=sample, batch_size=len(lengths), item=item, index=index)
    pad = torch.nn.functional.pad
    return Nodes(
        x=pad(nodes.x, (0, 0, 0, padding)),
        mask=pad(nodes.mask, (0, padding)),
        item=pad(nodes.item, (0, padding)),
        index=pad(nodes.index, (0, padding)),
    )


@pytest.fixture(scope="session")
def make_nodes():
    return _make_nodes


@pytest.fixture(scope="session")
def edges():
    """Return a function that lists the edges of a relation as pairs of rows."""
    return lambda relation, source, target: [
        tuple(pair) for pair in relation.edge_index(source, target).T.tolist()
    ]
