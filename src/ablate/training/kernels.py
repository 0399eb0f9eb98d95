"""Which parameters of a model are kernels, and which of these are the output layer's.

A kernel is a weight of a layer: what penalties, decay and projections are about.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.utils import parametrize

# Modules whose parameters are scales, shifts, a table or what a kernel is computed from, of any dimensions.
SPARED = (
    _NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm, nn.Embedding, nn.EmbeddingBag, nn.PReLU,
    parametrize.ParametrizationList,
)  # fmt: skip


def kernels(model: nn.Module) -> frozenset[str]:
    """The names of a model's kernels, as `named_parameters` has them.

    Those are the parameters of two or more dimensions but biases, and those of normalisation layers and embeddings. Of
    a module that is not one of PyTorch's, what is [1, …] is no kernel either: it is added to samples or scales them.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    hidden = computed(model)
    found = set()
    for path, owner in model.named_modules():
        if isinstance(owner, SPARED) or path in hidden:
            continue
        for name, parameter in owner.named_parameters(recurse=False):
            broadcast = len(parameter) == 1 and not _of_torch(owner)
            if parameter.ndim >= 2 and "bias" not in name and not broadcast:
                found.add(names[id(parameter)])
    return frozenset(found)


def computed(model: nn.Module) -> dict[str, str]:
    """The layers whose kernels are computed from other parameters, and by what: `hidden1`, `_WeightNorm`."""
    found = {}
    for path, owner in model.named_modules():
        if parametrize.is_parametrized(owner):
            lists = owner.parametrizations.values()
            found[path] = ", ".join(type(each).__name__ for parametrizations in lists for each in parametrizations)
        for hook in owner._forward_pre_hooks.values():  # weight_norm, spectral_norm and pruning of older code
            name = getattr(hook, "name", None) or getattr(hook, "_tensor_name", None)
            if isinstance(name, str) and hasattr(owner, name) and name not in owner._parameters:
                found[path] = type(hook).__name__
    return found


def of_output(model: nn.Module, shape: tuple[int, ...]) -> frozenset[str]:
    """The kernels of the output layer: those whose products flow into no other kernel's, by autograd's graph.

    A layer that was registered last need not be the one that the data leaves by. Empty where the graph doesn't tell.
    """
    twin = copy.deepcopy(model).eval()
    wanted = kernels(twin)
    names = {id(parameter): name for name, parameter in twin.named_parameters() if name in wanted}
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        # The samples want a gradient, so that what is computed from a kernel alone can be told from a product with it.
        root = twin(torch.zeros(2, *shape, requires_grad=True)).grad_fn
    leaves: dict[Any, frozenset[int]] = {}  # of a node: what is computed from there on is made of
    feeding: set[int] = set()
    for node in _inputs_first(root):
        below = [leaves[child] for child, _ in node.next_functions if child is not None]
        own = frozenset({id(node.variable)}) if hasattr(node, "variable") else frozenset()
        leaves[node] = own.union(*below)
        if any(len(made_of) == 1 and made_of & names.keys() for made_of in below):  # a product with a kernel
            feeding |= {leaf for made_of in below if len(made_of) > 1 for leaf in made_of}
    return frozenset(names[leaf] for leaf in leaves.get(root, ()) if leaf in names and leaf not in feeding)


def _inputs_first(root: Any) -> list[Any]:
    """The nodes of a graph, each after what it is computed from. Not by recursion: some graphs are too deep for it."""
    ordered, seen, todo = [], set(), [(root, False)] if root is not None else []
    while todo:
        node, done = todo.pop()
        if done:
            ordered.append(node)
        elif node not in seen:
            seen.add(node)
            todo.append((node, True))
            todo += [(child, False) for child, _ in node.next_functions if child is not None]
    return ordered


def _of_torch(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's layers, or made from one."""
    return any(kind.__module__.startswith("torch.nn.") for kind in type(module).__mro__ if kind is not nn.Module)
