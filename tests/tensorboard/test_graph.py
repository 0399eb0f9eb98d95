"""A model's graph."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ablate import models
from ablate.tensorboard import graph


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.out = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x + self.block(x))


class Branching(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) if x.sum() > 0 else x


def test_layers_operations_and_shapes_are_nodes():
    nodes = {node.name: node for node in graph.of_model(Residual(), (4,)).node}
    assert [(n.op, list(n.input)) for n in nodes.values()] == [
        ("x", []),
        ("Linear", ["x"]),
        ("ReLU", ["block/0"]),
        ("add", ["x", "block/1"]),
        ("Linear", ["add"]),
        ("output", ["out"]),
    ]
    assert [d.size for d in nodes["out"].attr["_output_shapes"].list.shape[0].dim] == [-1, 3]
    assert nodes["out"].attr["is"].s == b"in_features=4, out_features=3, bias=True"


def test_a_layer_that_is_called_twice_is_two_nodes():
    class Twice(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.block(self.block(x)))

    nodes = graph.of_model(Twice(), (4,)).node
    assert [(n.name, list(n.input)) for n in nodes][3:5] == [("block/0_2", ["block/1"]), ("block/1_2", ["block/0_2"])]


def test_a_model_that_cannot_be_traced_has_a_reason_instead(configured, monkeypatch):
    monkeypatch.setattr(models, "build", lambda *_, **__: Branching(64, 64))
    graph._cached.cache_clear()
    said = graph.of_run(configured())
    graph._cached.cache_clear()
    assert isinstance(said, str) and "control flow" in said


def test_a_drawn_model_is_left_as_it_is():
    model = Residual().train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    graph.of_model(model, (4,))
    assert model.training and all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
