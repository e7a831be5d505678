"""What a dense form of a convolution promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch_geometric.nn import MessagePassing

from mmgraph.graph.graph import MultimodalGraph
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Chain, Complete, EdgeList, Grid, Relation
from mmgraph.message_passing import GraphEdges
from mmgraph.message_passing.base import DenseForm
from mmgraph.message_passing.dense import Step, dense_messages
from mmgraph.testing.expect import distance, expect
from mmgraph.testing.nodes import random_nodes

_CHANNELS = 8

#: Outputs and gradients in double precision differ by rounding alone.
_TOLERANCE = 1e-9

#: Three edges, and targets that receive nothing.
_FEW = EdgeList(torch.tensor([0, 1, 1]), torch.tensor([0, 2, 3]), torch.tensor([1, 0, 0]))

#: Relations with the items of source and target (None: the same nodes), which take all the ways
#: that edges are stored in: masks, stencils, few edges, none, and samples without nodes.
_CASES: tuple[tuple[Relation, list[list[int]], list[list[int]] | None], ...] = (
    (Complete(), [[4], [2, 4], [], [1], []], [[3], [5], [2], [], []]),
    (Complete(loops=False), [[4], [4, 3], [], [1]], None),
    (Complete("item"), [[4], [4, 3], [], [1]], None),
    (Grid(3, 3), [[9, 9], [], [9]], None),
    (Chain(2), [[7, 3], [12], [1]], None),
    (Chain(1, "forward"), [[5], [2]], None),
    (_FEW, [[3], [4]], [[2], [1]]),
    (Complete(), [[], []], [[2], [3]]),
    (Complete(), [[2], [3]], [[], []]),
)


def check_dense_form(
    form: DenseForm, make: Callable[[int, int], MessagePassing], *, seed: int = 0
) -> None:
    """Check that a dense form computes what its convolution does, gradients included.

    Args:
        form: The dense form.
        make: The convolution's class, or a function of the channels of its input and output
            that makes one.
        seed: Seed of weights and nodes.

    Raises:
        AssertionError: It computes something else; the message says where.

    Example:
        >>> from torch_geometric.nn import SAGEConv
        >>> from mmgraph.message_passing import dense_form
        >>> check_dense_form(dense_form(SAGEConv(8, 8)), SAGEConv)
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        conv = make(_CHANNELS, _CHANNELS).double()
        expect(
            type(conv) is form.operator,
            f"{type(form).__name__}.operator is {form.operator.__name__}, but the convolution is a "
            f"{type(conv).__name__}",
        )
        reason = form.reason(conv)
        expect(reason is None, f"{type(form).__name__} refuses the convolution: {reason}")
        for relation, sources, targets in _CASES:
            source = random_nodes(sources, _CHANNELS, torch.float64)
            target = source if targets is None else random_nodes(targets, _CHANNELS, torch.float64)
            said = f"{type(form).__name__} along {type(relation).__name__}, sources {sources}"
            _compare(form, conv, relation, (source, target), said)


def _compare(
    form: DenseForm,
    conv: MessagePassing,
    relation: Relation,
    ends: tuple[Nodes, Nodes],
    said: str,
) -> None:
    names = ("a", "a" if ends[0] is ends[1] else "b")
    kind = (names[0], "to", names[1])
    graph = MultimodalGraph({"b": ends[1], "a": ends[0]}, {kind: relation})

    def dense(x_dict: Mapping[str, Tensor]) -> Tensor:
        edges = GraphEdges(graph).dense(kind, features=False)
        return dense_messages({kind: Step(conv, form, edges)}, x_dict)[names[1]]

    def listed(x_dict: Mapping[str, Tensor]) -> Tensor:
        edge_index = relation.edge_index(*ends)
        return conv((x_dict[names[0]], x_dict[names[1]]), edge_index)

    one, other = (_outcome(run, conv, graph) for run in (dense, listed))
    for name, wanted in other.items():
        difference = distance(one[name], wanted)
        scale = max(1.0, distance(wanted, torch.zeros_like(wanted)))
        expect(
            difference <= _TOLERANCE * scale,
            f"{said}: {name} differs from that of the convolution's own code by {difference:.1e}",
        )


def _outcome(
    run: Callable[[Mapping[str, Tensor]], Tensor], conv: MessagePassing, graph: MultimodalGraph
) -> dict[str, Tensor]:
    """Return the output, and the gradients of nodes and weights."""
    conv.zero_grad()
    x_dict = {name: each.flat().requires_grad_() for name, each in graph.nodes.items()}
    result = run(x_dict)
    generator = torch.Generator().manual_seed(7)
    weight = torch.randn(result.shape, generator=generator, dtype=result.dtype)
    (result * weight).sum().backward()
    leaves = {f"the gradient of the nodes {name!r}": x for name, x in x_dict.items()}
    leaves |= {f"the gradient of {name}": each for name, each in conv.named_parameters()}
    found = {
        name: torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.clone()
        for name, leaf in leaves.items()
    }
    return {"the output": result.detach(), **found}
