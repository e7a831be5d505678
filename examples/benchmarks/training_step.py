"""Show what each stage of a training step costs, and what each way of saving time saves.

    python examples/benchmarks/training_step.py [--quick] [--output training_step.json]

Images and texts are random; the model is the estimator's from scratch. Each stage runs forward
and backward by itself on detached inputs, so that its share is its own. Arms take turns, and ratios
are medians of the rounds' own.
"""

import argparse
import json
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence
from torch_geometric.nn import SAGEConv
from turns import take_turns

from mmgraph import GraphFusion, Image, MultimodalModel, Text
from mmgraph.data.dataset import SampleDataset
from mmgraph.data.transform import fit_modality, transform
from mmgraph.graph.nodes import Nodes
from mmgraph.message_passing.convs.names import transformer_conv
from mmgraph.nn.encoders.recurrent import BidirectionalRNN
from mmgraph.nn.tasks import Multiclass

CONVS = {"SAGE": lambda i, o: SAGEConv(i, o), "Transformer": transformer_conv}
CHANNELS, TOKENS, BATCH, CLASSES = 128, 64, 64, 10


def make_data(pixels: int, samples: int = 2 * BATCH) -> tuple[list, SampleDataset]:
    """Return fitted modalities and random samples."""
    random = np.random.default_rng(0)
    words = ["".join(random.choice(list("abcdefgh"), 4)) for _ in range(400)]
    sizes = random.integers(8, 60, samples)
    frame = pd.DataFrame(
        {
            "image": list(random.integers(0, 255, (samples, pixels, pixels, 3), dtype=np.uint8)),
            "text": [" ".join(random.choice(words, size)) for size in sizes],
        }
    )
    fitted = [
        fit_modality(each, frame, seed=0)
        for each in (
            Image("image", backbone=None, size=pixels),
            Text("text", features=None, max_tokens=TOKENS),
        )
    ]
    target = torch.from_numpy(random.integers(0, CLASSES, samples))
    return fitted, SampleDataset(fitted, transform(fitted, frame), target)


def make_model(modalities: list, conv: Callable, execution: str) -> MultimodalModel:
    """Return an untrained model for classes of equal weight."""
    torch.manual_seed(0)
    fusion = GraphFusion(
        {each.node_type: each.relations() for each in modalities},
        CHANNELS,
        conv=conv,
        execution=execution,
    )
    encoders = {each.node_type: each.make_encoder(CHANNELS) for each in modalities}
    return MultimodalModel(encoders, fusion, Multiclass(CLASSES))


Inputs = list[Tensor]


def forward_backward(function: Callable[[], Inputs], leaves: Inputs) -> None:
    """Run a stage both ways."""
    outputs = function()
    loss = sum(x.sum() for x in outputs)
    torch.autograd.grad(loss, [x for x in leaves if x.requires_grad], allow_unused=True)


def stages(model: MultimodalModel, dataset: SampleDataset) -> dict[str, Callable[[], None]]:
    """Return each stage of a training step as something to call."""
    rows = list(range(BATCH))
    batch = dataset.collate(rows)
    nodes = {
        name: replace(each, x=each.x.detach().requires_grad_())
        for name, each in model.nodes(batch.items).items()
    }
    fusion = model.fusion
    assert isinstance(fusion, GraphFusion)
    graph = fusion.graph(nodes)
    received = {
        name: replace(each, x=each.x.detach().requires_grad_())
        for name, each in fusion.gnn(graph).nodes.items()
    }
    after = type(graph)(received, graph.relations)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)

    def encode(name: str) -> Callable[[], None]:
        encoder = model.encoders[name]
        return lambda: forward_backward(
            lambda: [encoder(batch.items[name]).x], list(encoder.parameters())
        )

    def leaves(*modules: nn.Module, of: dict[str, Nodes]) -> Inputs:
        weights = [weight for module in modules for weight in module.parameters()]
        return weights + [each.x for each in of.values()]

    return {
        "collate": lambda: dataset.collate(rows) and None,
        "image encoder": encode("image"),
        "text encoder": encode("text"),
        "graph": lambda: forward_backward(
            lambda: [each.x for each in fusion.gnn(fusion.graph(nodes)).nodes.values()],
            leaves(fusion.gnn, of=nodes),
        ),
        "readout and head": lambda: forward_backward(
            lambda: [model.head(fusion.read(after))],
            leaves(fusion.readouts, fusion.mlp, model.head, of=received),
        ),
        "optimiser": optimizer.step,
    }


def shares(pixels: int, rounds: int) -> list[dict]:
    """Print what each stage takes, densely and sparsely."""
    modalities, dataset = make_data(pixels)
    results = []
    for conv_name, conv in CONVS.items():
        arms = {
            f"{execution} {stage}": function
            for execution in ("dense", "sparse")
            for stage, function in stages(make_model(modalities, conv, execution), dataset).items()
            if execution == "dense" or stage == "graph"
        }
        times = take_turns(arms, rounds)
        ms = {name: statistics.median(each) for name, each in times.items()}
        graph, other = ms.pop("dense graph"), sum(ms.values()) - ms["sparse graph"]
        print(f"\n{pixels} px, {conv_name}: milliseconds and share of a step")
        for name, value in {**ms, "dense graph": graph}.items():
            share = f"{value / (graph + other):6.0%}" if name != "sparse graph" else ""
            print(f"  {name.removeprefix('dense '):20}{value:8.1f}{share:>8}")
        print(f"  the graph adds {graph / other:.0%}; with PyG's own code it would add", end=" ")
        print(f"{ms['sparse graph'] / other:.0%}, and a step take", end=" ")
        print(f"{(ms['sparse graph'] + other) / (graph + other):.1f} times as long", flush=True)
        results.append({"pixels": pixels, "conv": conv_name, "graph": graph, **ms})
    return results


def pairs(pixels: int) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Return ways to save time: without and with each."""
    modalities, dataset = make_data(pixels)
    model = make_model(modalities, transformer_conv, "dense")
    batch = dataset.collate(list(range(BATCH)))
    images = batch.items["image"].data["pixels"].float()
    backbone = model.encoders["image"].backbone
    plain = type(backbone)()
    plain.load_state_dict(backbone.state_dict())

    def convolve(module: nn.Module, x: Tensor) -> Callable[[], None]:
        return lambda: forward_backward(lambda: [module(x)], list(module.parameters()))

    last = images.contiguous(memory_format=torch.channels_last)

    def halved() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            convolve(backbone, last)()

    length = batch.items["text"].length.clamp(min=1)
    x = torch.randn(BATCH, int(length.max()), CHANNELS)
    padded, usual = BidirectionalRNN(CHANNELS, CHANNELS), _gru()

    def packed() -> list[Tensor]:
        rows = pack_padded_sequence(x, length, batch_first=True, enforce_sorted=False)
        return [usual(rows)[0].data]

    optimizers = []
    for fused in (False, True):
        weights = [weight.detach().clone() for weight in model.parameters()]
        for weight in weights:
            weight.grad = torch.ones_like(weight)
        optimizers.append(torch.optim.AdamW(weights, fused=fused).step)
    return {
        "channels_last CNN": (convolve(plain, images), convolve(backbone, last)),
        "bfloat16 CNN": (convolve(backbone, last), halved),
        "padded GRU for packed": (
            lambda: forward_backward(packed, list(usual.parameters())),
            lambda: forward_backward(lambda: [padded(x, length)], list(padded.parameters())),
        ),
        "fused AdamW": (optimizers[0], optimizers[1]),
    }


def _gru() -> nn.GRU:
    return nn.GRU(CHANNELS, CHANNELS // 2, batch_first=True, bidirectional=True)


def savings(pixels: int, rounds: int) -> list[dict]:
    """Print by how much each way of saving time is faster than going without."""
    print(f"\n{pixels} px: times as fast as without")
    results = []
    for name, (without, with_it) in pairs(pixels).items():
        times = take_turns({"without": without, "with": with_it}, rounds)
        ratio = statistics.median(a / b for a, b in zip(*times.values(), strict=True))
        print(f"  {name:24}{ratio:5.2f}", flush=True)
        results.append({"pixels": pixels, "saving": name, "ratio": ratio})
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small images, three rounds")
    parser.add_argument("--output", type=Path, help="write all figures as JSON")
    args = parser.parse_args()
    torch.set_num_threads(1)
    rounds = 3 if args.quick else 7
    results = []
    for pixels in (64,) if args.quick else (64, 224):
        results += shares(pixels, rounds) + savings(pixels, rounds)
    if args.output:
        args.output.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
