"""Which parameters of a model are kernels, and which of these are the output layer's.

A kernel is a weight of a layer: what penalties, decay and projections are about.
"""

from __future__ import annotations

import copy

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
    a module that is not one of PyTorch's, what is [1, n, …] is no kernel either: it is added to samples or scales them.
    """
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    hidden = computed(model)
    found = set()
    for path, owner in model.named_modules():
        if isinstance(owner, SPARED) or path in hidden:
            continue
        for name, parameter in owner.named_parameters(recurse=False):
            broadcast = parameter.ndim > 2 and len(parameter) == 1 and not _of_torch(owner)
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
    """The kernels of the output layer: those that are nearest to the logits in autograd's graph.

    A layer that was registered last need not be the one that the data leaves by.
    """
    twin = copy.deepcopy(model).eval()
    wanted = kernels(twin)
    names = {id(parameter): name for name, parameter in twin.named_parameters() if name in wanted}
    with torch.enable_grad(), torch.random.fork_rng(devices=[]):
        level = {twin(torch.zeros(2, *shape)).grad_fn}
    seen = set(level)
    while level:
        leaves = {id(node.variable) for node in level if hasattr(node, "variable")}
        if found := frozenset(names[leaf] for leaf in leaves if leaf in names):
            return found
        level = {node for parent in level if parent for node, _ in parent.next_functions if node} - seen
        seen |= level
    return frozenset()


def _of_torch(module: nn.Module) -> bool:
    """Whether a module is one of PyTorch's layers, or made from one."""
    return any(kind.__module__.startswith("torch.nn.") for kind in type(module).__mro__ if kind is not nn.Module)
