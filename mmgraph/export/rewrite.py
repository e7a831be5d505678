"""The parts of a model in the form in which programs contain them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from mmgraph.errors import ExportError
from mmgraph.export.bounded import PaddedGraphEdges
from mmgraph.export.sparse import CategoryEntries, NgramEntries
from mmgraph.export.vote import VoteProgram
from mmgraph.graph.items import before_end
from mmgraph.graph.nodes import Nodes
from mmgraph.graph.relations import Nearest, Relation, WithPosition
from mmgraph.message_passing import why_not_dense
from mmgraph.message_passing.gnn import HeteroGNN
from mmgraph.message_passing.layers import HeteroLayer, RelationLayer
from mmgraph.nn.encoders.audio import MaskedConv
from mmgraph.nn.linear.features import CategoryFeatures, NgramFeatures
from mmgraph.nn.model import MultimodalModel
from mmgraph.nn.neighbours.model import Neighbours
from mmgraph.nn.readout import Readout


def exportable(model: MultimodalModel) -> MultimodalModel:
    """Return a copy of a model that computes the same, without sizes that only the data tell.

    Raises:
        ExportError: A part has no such form.
    """
    model = copy.deepcopy(model).cpu().eval().requires_grad_(False)
    if model.neighbours is not None and not model.neighbours.used:
        model.neighbours = None
    _change(model)
    return model


def spare_nodes(model: nn.Module) -> int:
    """Return how many nodes a sample must be padded with, so that there are always enough."""
    relations = [
        relation
        for module in model.modules()
        for relation in getattr(module, "relations", {}).values()
        if isinstance(relation, Relation)
    ]
    inner = [each.relation if isinstance(each, WithPosition) else each for each in relations]
    return 1 + max((each.k for each in inner if isinstance(each, Nearest)), default=0)


def _change(module: nn.Module) -> None:
    """Put forms in the place of all parts that have one."""
    for name, child in module.named_children():
        form = _FORMS.get(type(child))
        changed = child if form is None else form(child)
        if changed is child:
            _change(child)
        else:
            setattr(module, name, changed)


def _with_masks(gnn: HeteroGNN) -> HeteroGNN:
    for conv in _convs(gnn):
        reason = why_not_dense(conv)
        if reason:
            raise ExportError(
                f"{reason}, and its sparse code cannot be exported; fit with a convolution that "
                "runs densely, such as the default, SAGEConv or GATv2Conv"
            )
    gnn.execution, gnn.edges_class = "dense", PaddedGraphEdges
    return gnn


def _convs(gnn: HeteroGNN) -> Iterator[nn.Module]:
    for layer in gnn.layers:
        if isinstance(layer, RelationLayer):
            yield from layer.convs.values()
        else:
            assert isinstance(layer, HeteroLayer)
            yield layer.conv


class _PaddedConv(nn.Module):
    """A `MaskedConv` that normalises all steps, and then clears those behind the end."""

    def __init__(self, conv: MaskedConv) -> None:
        super().__init__()
        self.stride, self.conv, self.norm = conv.stride, conv.conv, conv.norm

    def forward(
        self, x: Float[Tensor, "items in_channels frames mels"], length: Int[Tensor, "items"]
    ) -> tuple[Float[Tensor, "items channels steps bands"], Int[Tensor, "items"]]:
        """Return the maps, and the number of real steps of each."""
        norm = self.norm
        maps = self.conv(x)
        maps = F.batch_norm(maps, norm.running_mean, norm.running_var, norm.weight, norm.bias)
        length = (length + self.stride[0] - 1) // self.stride[0]
        real = before_end(length, maps.shape[2])
        return F.relu(maps) * real[:, None, :, None], length


class _PaddedSet2Set(nn.Module):
    """The readout "set2set" on padded nodes."""

    def __init__(self, readout: Readout) -> None:
        super().__init__()
        aggr: Any = readout.aggr
        self.rounds, self.channels, self.lin = aggr.processing_steps, readout.channels, readout.lin
        # A recurrent layer of one step, written out: it reads no sequence.
        self.weight = nn.ParameterList(aggr.lstm.all_weights[0])

    def forward(self, nodes: Nodes) -> Float[Tensor, "batch channels"]:
        """Combine the nodes of each sample."""
        x, mask = nodes.x, nodes.mask
        query = cell = x.new_zeros(x.shape[0], self.channels)
        state = torch.cat([query, query], dim=1)
        to_gates, from_query, *biases = self.weight
        lowest = torch.finfo(x.dtype).min
        for _ in range(self.rounds):
            gates = F.linear(state, to_gates) + F.linear(query, from_query) + sum(biases)
            enter, keep, new, out = gates.chunk(4, dim=1)
            cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
            query = out.sigmoid() * cell.tanh()
            logits = (x * query.unsqueeze(1)).sum(2).masked_fill(~mask, lowest)
            share = logits.softmax(1) * mask
            state = torch.cat([query, (share.unsqueeze(2) * x).sum(1)], dim=1)
        return self.lin(state) * mask.any(1, keepdim=True)


def _readout(readout: Readout) -> nn.Module:
    return _PaddedSet2Set(readout) if readout.kind == "set2set" else readout


_FORMS: dict[type, Callable[[Any], nn.Module]] = {
    HeteroGNN: _with_masks,
    NgramFeatures: NgramEntries,
    CategoryFeatures: CategoryEntries,
    MaskedConv: _PaddedConv,
    Neighbours: VoteProgram,
    Readout: _readout,
}
