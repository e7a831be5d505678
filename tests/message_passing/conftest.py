import pytest
import torch
from tolerance import SMALL, rounding

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.message_passing import GraphEdges, relation_messages
from mmgraph.testing import random_nodes

CHANNELS = 8


@pytest.fixture
def make_nodes():
    """Return a function that makes random nodes from the lengths of each sample's items."""

    def make(lengths, dtype=torch.float64):
        return random_nodes(lengths, CHANNELS, dtype)

    return make


@pytest.fixture
def run():
    """Return a function that runs one convolution along one relation, on real nodes."""

    def run(conv, relation, source, target, execution="dense", featured=False):
        kind = ("a", "to", "a" if source is target else "b")
        graph = MultimodalGraph({"b": target, "a": source}, {kind: relation})
        result = relation_messages(
            {kind: conv},
            {name: nodes.flat() for name, nodes in graph.nodes.items()},
            GraphEdges(graph),
            featured=[kind] if featured else [],
            execution=execution,
        )
        return result[kind[2]]

    return run


@pytest.fixture
def compare():
    """Return a function that compares outputs and gradients of two computations."""

    def compare(module, nodes, one, other):
        assert_equal(outcome(module, nodes, one), outcome(module, nodes, other))

    return compare


def outcome(module, nodes, compute):
    """Outputs, and gradients of inputs and weights, of a function of nodes."""
    module.zero_grad()
    leaves = [each.x.clone().requires_grad_() for each in nodes]
    results = compute(*(each.with_x(x) for each, x in zip(nodes, leaves, strict=True)))
    torch.manual_seed(7)
    sum((x * torch.randn_like(x)).sum() for x in results).backward()
    named = {**{f"x {n}": x for n, x in enumerate(leaves)}, **dict(module.named_parameters())}
    gradients = {
        name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad
        for name, leaf in named.items()
    }
    return {**{f"output {n}": x.detach() for n, x in enumerate(results)}, **gradients}


def assert_equal(dense, sparse):
    assert dense.keys() == sparse.keys()
    for name, wanted in sparse.items():
        # A layer and its gradients, which are sums over hundreds of edges.
        relative = 1e-10 if wanted.dtype == torch.float64 else rounding(2 * SMALL)
        scale = max(1.0, float(wanted.abs().max()) if wanted.numel() else 0)
        torch.testing.assert_close(
            dense[name],
            wanted,
            rtol=0,
            atol=relative * scale,
            msg=lambda text, name=name: f"{name}: {text}",
        )
