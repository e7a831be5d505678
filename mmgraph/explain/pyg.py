"""PyG's explainers, on the heterogeneous graph of one row."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.explain import Explainer as PyGExplainerLoop
from torch_geometric.explain import GNNExplainer
from torch_geometric.explain.algorithm import ExplainerAlgorithm

from mmgraph.explain.attention import graph_fusion
from mmgraph.explain.base import Attribution, Explainer
from mmgraph.explain.units import Sample
from mmgraph.graph.graph import MultimodalGraph
from mmgraph.nn.fusion.graph import GraphFusion
from mmgraph.typing import EdgeType


@dataclass(frozen=True)
class PyGExplainer(Explainer):
    """Any algorithm of `torch_geometric.explain` that takes heterogeneous graphs.

    By default GNNExplainer (https://arxiv.org/abs/1903.03894), which learns masks of nodes and
    edges from 0 to 1 that change the prediction little. The graph is `to_hetero_data` of the
    row. Each node has one more feature, a 1, which its share of the linear model's logits and of
    the vote is multiplied by; so a mask of a node covers all parts of the model.

    Args:
        algorithm: PyG's algorithm; None: `GNNExplainer` with 100 epochs. Default: None.
        node_mask: What a mask of nodes has: a number for each node ("object") or for each
            feature ("attributes"), which are then summed. Default: "object".
        edge_mask: "object" for a number for each edge; None for algorithms that have none.
            Default: "object".
        seed: Seed of the masks' random start. Default: 0.
    """

    name: ClassVar[str] = "gnn_explainer"
    signed: ClassVar[bool] = False

    algorithm: ExplainerAlgorithm | None = field(default=None, compare=False)
    node_mask: Literal["object", "attributes"] = "object"
    edge_mask: Literal["object"] | None = "object"
    seed: int = 0

    def attribute(self, sample: Sample, target: int) -> Attribution:
        """Return the scores of the row's units, and of its edges.

        Raises:
            DataError: The model has no graph.
        """
        fusion = graph_fusion(sample, self.name)
        data = _hetero_data(sample)
        model = _GraphModel(sample, fusion, data, target)
        explainer = PyGExplainerLoop(
            model,
            self.algorithm or GNNExplainer(epochs=100),
            explanation_type="phenomenon",
            model_config={"mode": model.mode, "task_level": "graph", "return_type": "raw"},
            node_mask_type=self.node_mask,
            edge_mask_type=self.edge_mask,
        )
        with _untouched(model):
            found = self._run(explainer, model, data)
        nodes = found.node_mask_dict
        masks = [nodes[name].sum(1)[:count] for name, count in sample.counts.items() if count]
        edges = dict(found.edge_mask_dict) if self.edge_mask else None
        return Attribution(torch.cat(masks).detach(), edges=edges)

    def _run(self, explainer: Any, model: _GraphModel, data: HeteroData) -> Any:
        with torch.random.fork_rng(devices=[]), torch.enable_grad(), warnings.catch_warnings():
            torch.manual_seed(self.seed)
            # PyG on recent torch; nothing that a user could mend.
            warnings.filterwarnings("ignore", message="`torch.jit")
            target = model.truth(explainer.get_prediction(data.x_dict, data.edge_index_dict))
            return explainer(data.x_dict, data.edge_index_dict, target=target)


@contextmanager
def _untouched(model: _GraphModel) -> Iterator[None]:
    """Run PyG's own code within the block, whose backward passes leave no gradients behind."""
    gnn = model.fusion.gnn
    execution, gnn.execution = gnn.execution, "sparse"
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        gnn.execution = execution
        for parameter in trained:
            parameter.requires_grad_()


def _hetero_data(sample: Sample) -> HeteroData:
    """Return the row's graph without what is missing, and with a 1 more for each node."""
    assert sample.graph is not None
    whole = sample.graph.to_hetero_data(batch=False)
    data = HeteroData()
    for name in whole.node_types:
        x = whole[name].x.detach()
        if len(x):
            data[name].x = torch.cat([x, x.new_ones(len(x), 1)], dim=1)
            data[name].item, data[name].index = whole[name].item, whole[name].index
    for edge_type in whole.edge_types:
        store = whole[edge_type]
        if store.edge_index.shape[1]:
            data[edge_type].edge_index = store.edge_index
            if "edge_attr" in store:
                data[edge_type].edge_attr = store.edge_attr
    return data


class _GraphModel(nn.Module):
    """From features and edges as PyG has them to the logits of the whole model."""

    def __init__(self, sample: Sample, fusion: GraphFusion, data: HeteroData, target: int) -> None:
        super().__init__()
        self.fusion, self.head = fusion, sample.model.head
        self.sample, self.data, self.target = sample, data, target
        self.task = sample.model.task
        # What the graph without any unit says otherwise as lists of edges; the same for any mask.
        zero = sample.logits.new_zeros(1, sample.units)
        with torch.no_grad():
            gone = sample.faded(zero) - sample.cheap_faded(zero)
            self.rest = gone - self._graph(self._nodes_gone())
        # PyG puts a model back into the mode it found it in.
        self.eval()
        classes = "multiclass" if self.task.is_exclusive else "binary"
        self.mode = f"{classes}_classification" if self.task.has_probabilities else "regression"

    def forward(
        self,
        x_dict: Mapping[str, Float[Tensor, "_ _"]],
        edge_index_dict: Mapping[EdgeType, Int[Tensor, "2 _"]],
    ) -> Float[Tensor, "1 _"]:
        """Return the logits of all classes, or the logit of the one label or number."""
        gate = [x_dict[name][:, -1][:count] for name, count in self.sample.counts.items() if count]
        cheap = self.sample.cheap_faded(torch.cat(gate).unsqueeze(0))
        logits = self._graph(self._graph_of(x_dict)) + cheap + self.rest
        return logits if self.mode.startswith("multiclass") else logits[:, [self.target]]

    def truth(self, prediction: Float[Tensor, "1 _"]) -> Tensor:
        """Return what the masks should leave as it is."""
        if self.mode == "multiclass_classification":
            return torch.tensor([self.target])
        return (prediction > 0).float() if self.mode == "binary_classification" else prediction

    def _graph(self, graph: MultimodalGraph) -> Float[Tensor, "1 outputs"]:
        logits = self.head(self.fusion.read(self.fusion.gnn(graph)))
        return self.task.relevant(self.sample.model.weights[1] * logits)

    def _graph_of(self, x_dict: Mapping[str, Float[Tensor, "_ _"]]) -> MultimodalGraph:
        """Return the row's graph with other features, and its edges as a list."""
        whole = self.sample.graph
        assert whole is not None
        listed = MultimodalGraph.from_hetero_data(self.data)
        changed = {
            name: nodes.with_flat(x_dict[name][:, :-1]) for name, nodes in listed.nodes.items()
        }
        return MultimodalGraph({**whole.nodes, **changed}, {**whole.relations, **listed.relations})

    def _nodes_gone(self) -> MultimodalGraph:
        return self._graph_of(
            {name: torch.zeros_like(self.data[name].x) for name in self.data.node_types}
        )
