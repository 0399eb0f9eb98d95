"""A model as TensorBoard's graph: its layers and operations, with the shapes of what they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import torch
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from torch import Tensor, fx, nn

from ablate import models
from ablate.config.schema import Config
from ablate.options.schema import Keyed
from ablate.preprocessing.splits import facts
from ablate.utils.errors import one_line


def of_run(config: Config) -> GraphDef | str:
    """The graph of a run's model, or why it can't be drawn: torch.fx traces no control flow that depends on data."""
    data = facts(config.dataset, config.split_seed, config.task)
    return _cached(Keyed.of(config.model), data.shape, data.outputs)


@lru_cache(maxsize=64)
def _cached(asked: Keyed, shape: tuple[int, ...], outputs: int) -> GraphDef | str:
    model = models.build(asked.config, shape, outputs, seed=0).eval()
    try:
        return of_model(model, shape)
    except Exception as error:  # whatever a module of the user's, or the tracer in it, may raise
        return one_line(error)


def of_model(model: nn.Module, shape: tuple[int, ...]) -> GraphDef:
    """A node for every layer and operation, from samples of this shape (without the batch) to logits.

    By torch.fx: `SummaryWriter.add_graph` goes by torch.jit, which is deprecated (it warns), takes eight times as long,
    and has nodes for constants and weights but none for layers.

    Raises:
        Exception: whatever the model, or the tracer in it, raises.
    """
    traced = fx.symbolic_trace(model)
    shapes = _Shapes(traced)
    with torch.no_grad():
        shapes.run(torch.zeros(1, *shape))
    names = _names(traced.graph.nodes)
    return GraphDef(node=[_node(node, names, model, shapes.found) for node in traced.graph.nodes])


class _Shapes(fx.Interpreter):
    """Runs a model and notes the shape of every node's tensor."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.found: dict[str, torch.Size] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.found[n.name] = result.shape
        return result


def _names(nodes: Iterable[fx.Node]) -> dict[fx.Node, str]:
    """A layer is called by its place in the model, as TensorBoard nests it; from its second call on with a number."""
    names: dict[fx.Node, str] = {}
    calls: Counter[str] = Counter()
    for node in nodes:
        name = str(node.target).replace(".", "/") if node.op == "call_module" else node.name
        calls[name] += 1
        names[node] = name if calls[name] == 1 else f"{name}_{calls[name]}"
    return names


def _node(node: fx.Node, names: dict[fx.Node, str], model: nn.Module, shapes: dict[str, torch.Size]) -> NodeDef:
    kind, attributes = str(node.target), {}
    if node.op == "call_module":
        layer = model.get_submodule(kind)
        kind = type(layer).__name__
        attributes["is"] = AttrValue(s=layer.extra_repr().encode())
    elif node.op == "call_function":
        kind = getattr(node.target, "__name__", kind)
    if node.name in shapes:
        # The batch has any size.
        dimensions = [TensorShapeProto.Dim(size=size) for size in (-1, *shapes[node.name][1:])]
        shape = AttrValue.ListValue(shape=[TensorShapeProto(dim=dimensions)])
        attributes["_output_shapes"] = AttrValue(list=shape)
    return NodeDef(name=names[node], op=kind, input=[names[n] for n in node.all_input_nodes], attr=attributes)
