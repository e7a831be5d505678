"""A model as one function of plain tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mmgraph.export.bounded import PaddedItems
from mmgraph.export.rewrite import exportable, spare_nodes
from mmgraph.graph.items import Items, before_end
from mmgraph.nn.model import MultimodalModel

Inputs = dict[str, Tensor]


def to_inputs(items: Mapping[str, Items]) -> Inputs:
    """Return the tensors of a batch by name: what a program takes.

    For every modality `<name>.<key>` for each tensor in `Items.data`, `<name>.length`,
    `<name>.sample`, and `<name>.mask` [batch, nodes]: True where a sample has a node.
    """
    inputs: Inputs = {}
    for name, each in items.items():
        count = each.nodes_per_sample
        longest = int(count.max()) if len(count) else 0
        tensors = each.data | {
            "length": each.length,
            "sample": each.sample,
            "mask": before_end(count, longest),
        }
        inputs |= {f"{name}.{key}": value for key, value in tensors.items()}
    return inputs


class Program(nn.Module):
    """From the tensors of a batch to probabilities, or to numbers in the targets' units.

    One more sample goes along whose items are zeros: so every tensor has something in it, also
    where all samples lack a modality, and no runtime meets an empty one.

    Args:
        model: The fitted model.
        fillers: An item of each modality, as a batch of one, for its sizes.

    Raises:
        ExportError: A part of the model cannot be exported.
    """

    def __init__(self, model: MultimodalModel, fillers: Mapping[str, Items]) -> None:
        super().__init__()
        self.model = exportable(model)
        self.spare = spare_nodes(self.model)
        self.fillers = {name: _emptied(each) for name, each in fillers.items()}

    def forward(self, inputs: Inputs) -> Float[Tensor, "batch outputs"]:
        """Return what the model says of each sample."""
        batch = inputs[f"{next(iter(self.fillers))}.mask"].shape[0]
        items = {name: self._items(name, inputs, batch) for name in self.fillers}
        outputs = self.model.task.activate(self.model(items))
        return outputs[:-1]

    def used(self, inputs: Inputs) -> Inputs:
        """Return the tensors that the model looks at."""
        looked_at = _Watched(inputs)
        with torch.no_grad():
            self(looked_at)
        return {name: value for name, value in inputs.items() if name in looked_at.names}

    def _items(self, name: str, inputs: Inputs, batch: int) -> Items:
        filler = self.fillers[name]
        return PaddedItems(
            data=_Joined(name, inputs, filler.data),
            length=torch.cat([inputs[f"{name}.length"], filler.length]),
            sample=torch.cat([inputs[f"{name}.sample"], filler.sample + batch]),
            batch_size=batch + 1,
            width=inputs[f"{name}.mask"].shape[1] + self.spare,
        )


class _Joined(dict[str, Tensor]):
    """The tensors of a modality with the filler's behind them, joined when they are asked for."""

    def __init__(self, name: str, inputs: Inputs, filler: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.name, self.inputs, self.filler = name, inputs, filler

    def __missing__(self, key: str) -> Tensor:
        return join(self.inputs[f"{self.name}.{key}"], self.filler[key])


class _Watched(dict[str, Tensor]):
    """Tensors that note which of them are asked for."""

    def __init__(self, tensors: Inputs) -> None:
        super().__init__(tensors)
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> Tensor:
        self.names.add(name)
        return super().__getitem__(name)


def join(first: Tensor, second: Tensor) -> Tensor:
    """Join two tensors along their first axis; those whose other axes differ are padded.

    Example:
        >>> join(torch.ones(1, 2), torch.ones(1, 1)).tolist()
        [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    axes = [n for n in range(1, first.ndim) if first.shape[n] != second.shape[n]]
    for axis in axes:
        sizes = first.shape[axis], second.shape[axis]
        first, second = _longer(first, axis, sizes[1]), _longer(second, axis, sizes[0])
    return torch.cat([first, second])


def _longer(x: Tensor, axis: int, more: int) -> Tensor:
    shape = list(x.shape)
    shape[axis] = more
    return torch.cat([x, x.new_zeros(shape)], dim=axis)


def _emptied(items: Items) -> Items:
    """Return an item of the same sizes that says nothing: no row's data go with the program."""

    def emptied(value: Tensor) -> Tensor:
        # One whole number for each item says how long something is.
        counts = value.shape == items.length.shape and value.dtype == torch.long
        return value if counts else torch.zeros_like(value)

    data = {key: emptied(value) for key, value in items.data.items()}
    # One node, as a sample may be padded to no more; further rows count as its copies.
    return Items(data, items.length.clamp_max(1), items.sample, items.batch_size)


def dynamic_axes(batches: Sequence[Inputs]) -> dict[str, dict[int, Any]]:
    """Return the axes of each tensor that may have any size, judged by several batches."""
    auto = torch.export.Dim.AUTO
    axes: dict[str, dict[int, Any]] = {}
    for name, value in batches[0].items():
        shapes = [each[name].shape for each in batches]
        differ = [n for n in range(1, value.ndim) if len({shape[n] for shape in shapes}) > 1]
        axes[name] = dict.fromkeys([0, *differ, *([1] if name.endswith(".mask") else [])], auto)
    return axes
