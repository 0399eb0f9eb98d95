"""Layers for a stack of runs: forward and backward by hand, batched over the runs.

`Dense` trains nn.Sequentials of linear layers, activations and dropout, with weights [runs, out, in]. Its
backward pass writes every gradient straight into the stack's flat buffer: no graph is recorded, nothing is
zeroed, accumulated or copied. docs/performance.md says what that is worth.

Activations are feature-major, [runs, width, batch]: the output layer's product takes half the time that way,
and the softmax over classes a twentieth.

Every operation here gives a run the same bits whatever else is in the stack; where PyTorch's own kernel does
not (its last few elements are rounded by another code path), it is written out in operations that do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ablate import regularizers
from ablate.training.masks import Masks, of_layers

Views = Mapping[str, Tensor]


# oneDNN's product of two matrices, y = a·bᵀ. PyTorch itself asks MKL, which on AMD's processors does without
# AVX-512 and takes twice the time. It has no batched form, so it pays from LARGE multiplications up.
_onednn: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None
LARGE = 1_500_000


def product(a: Tensor, b: Tensor, out: Tensor | None = None) -> Tensor:
    """Batched matrix product [runs, m, k] @ [runs, k, n].

    The way is chosen by the size of one run's product, never by the number of runs: with a dimension of 1
    the library would choose by that, so it is not asked.
    """
    m, k, n = a.shape[1], a.shape[2], b.shape[2]
    if k == 1:
        return torch.mul(a, b, out=out)
    if n == 1:
        return torch.sum(a * b.transpose(1, 2), 2, keepdim=True, out=out)
    if m == 1:
        return torch.sum(a.transpose(1, 2) * b, 1, keepdim=True, out=out)
    if m * k * n < LARGE or _onednn is None or a.device.type != "cpu":
        return torch.bmm(a, b, out=out)
    out = a.new_empty(len(a), m, n) if out is None else out
    for target, left, right in zip(out, a, b, strict=True):
        target.copy_(_onednn(left, right.t(), None, "none", [], ""))
    return out


class Layer(Protocol):
    def forward(self, x: Tensor, training: bool) -> Tensor: ...
    def backward(self, d: Tensor, needs_input: bool) -> Tensor | None: ...


class Linear:
    """weight: [runs, out, in]; bias: [runs, out, 1] or None; gradients alike, overwritten by `backward`."""

    def __init__(self, weight: Tensor, bias: Tensor | None, d_weight: Tensor, d_bias: Tensor | None) -> None:
        self.weight, self.bias, self.d_weight, self.d_bias = weight, bias, d_weight, d_bias

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """[runs, in, batch] → [runs, out, batch]. x may have one run, shared by all."""
        if len(x) < len(self.weight):
            x = x.expand(len(self.weight), -1, -1)
        self.x = x
        out = product(self.weight, x)
        return out if self.bias is None else out.add_(self.bias)

    def backward(self, d: Tensor, needs_input: bool) -> Tensor | None:
        product(d, self.x.transpose(1, 2), out=self.d_weight)
        if self.d_bias is not None:
            torch.sum(d, 2, keepdim=True, out=self.d_bias)
        return product(self.weight.transpose(1, 2), d) if needs_input else None


class Activation:
    """f: x → y; derivative: (d, x, y) → d·f'(x)."""

    def __init__(self, f: Callable[[Tensor], Tensor], derivative: Callable[[Tensor, Tensor, Tensor], Tensor]) -> None:
        self.f, self.derivative = f, derivative

    def forward(self, x: Tensor, training: bool) -> Tensor:
        self.x, self.y = x, self.f(x)
        return self.y

    def backward(self, d: Tensor, needs_input: bool) -> Tensor | None:
        return self.derivative(d, self.x, self.y)


class Masked:
    """Dropout and its like: multiplies by masks in training."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks

    def forward(self, x: Tensor, training: bool) -> Tensor:
        if not training:
            return x
        self.mask = self.masks.draw(x.shape)
        return x * self.mask

    def backward(self, d: Tensor, needs_input: bool) -> Tensor | None:
        return d * self.mask


def _sigmoid(x: Tensor) -> Tensor:
    return x.neg().exp_().add_(1).reciprocal_()


ACTIVATIONS: dict[type[nn.Module], tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    nn.ReLU: (torch.relu, lambda d, x, y: torch.ops.aten.threshold_backward(d, y, 0)),
    nn.Tanh: (torch.tanh, lambda d, x, y: torch.ops.aten.tanh_backward(d, y)),
    nn.Sigmoid: (_sigmoid, lambda d, x, y: d * (y * (1 - y))),
    nn.GELU: (nn.functional.gelu, lambda d, x, y: torch.ops.aten.gelu_backward(d, x)),
}


class Dense:
    """A stack of nn.Sequentials, run by run the same layers."""

    pads = True  # batches are filled up to a multiple of 16: see batches.py

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], weights: Views, gradients: Views) -> None:
        """models: one a run, for their layers and dropout p. weights, gradients: [runs, …] by parameter name."""
        self.layers: list[Layer] = []
        self.masks: list[Masks] = []
        self.relus: dict[str, Activation] = {}
        device, self.runs = next(iter(weights.values())).device, len(models)
        for index, (name, module) in enumerate(models[0]._modules.items()):  # named_children leaves out repetitions
            if isinstance(module, nn.Linear):
                w, g = (self._views(tensors, name) for tensors in (weights, gradients))
                self.layers.append(Linear(w[0], w[1], g[0], g[1]))
            elif regularizers.of_layer(module):
                if drawn := of_layers(models, name, seeds, index, device):
                    self.masks.append(drawn)
                    self.layers.append(Masked(drawn))
            elif module is not None and type(module) in ACTIVATIONS:
                layer = Activation(*ACTIVATIONS[type(module)])
                self.layers.append(layer)
                if isinstance(module, nn.ReLU):
                    self.relus[name] = layer

    def keep(self, rows: Sequence[int], *binding: Any) -> Dense:
        """The same for these rows. binding: what `__init__` takes."""
        return Dense(*binding)

    @staticmethod
    def takes(model: nn.Module, shape: tuple[int, ...]) -> bool:
        """Whether all layers of this model have a hand-batched form."""
        known = {nn.Linear, nn.Dropout, nn.Flatten, *ACTIVATIONS}
        if type(model) is not nn.Sequential or not {type(layer) for layer in model} <= known:
            return False
        if not all(parameter.requires_grad for parameter in model.parameters()):
            return False
        plain = {"approximate": "none", "start_dim": 1, "end_dim": -1, "_forward_hooks": {}, "_forward_pre_hooks": {}}
        if any(getattr(layer, key, value) != value for layer in model for key, value in plain.items()):
            return False
        linear = [layer for layer in model if isinstance(layer, nn.Linear)]
        if not linear or len(set(map(id, linear))) < len(linear):
            return False
        return len(shape) == 1 or isinstance(model[0], nn.Flatten)

    @staticmethod
    def _views(tensors: Views, name: str) -> tuple[Tensor, Tensor | None]:
        bias = tensors.get(f"{name}.bias")
        return tensors[f"{name}.weight"], None if bias is None else bias.unsqueeze(2)

    def start_epoch(self, epoch: int) -> None:
        for masks in self.masks:
            masks.start_epoch(epoch)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits [runs, outputs, batch] of x [runs or 1, batch, *shape]."""
        x = x.flatten(2).transpose(1, 2)
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def active(self) -> dict[str, Tensor]:
        """Which units of every ReLU were above 0 for some sample of the last forward pass: [runs, units], bool."""
        return {name: (layer.y.amax(2) > 0).expand(self.runs, -1) for name, layer in self.relus.items()}

    def backward(self, d: Tensor) -> None:
        """d: the loss's gradient by the logits, [runs, outputs, batch]. Fills the gradients of all parameters."""
        first = next(i for i, layer in enumerate(self.layers) if isinstance(layer, Linear))
        for i in range(len(self.layers) - 1, first - 1, -1):
            d = self.layers[i].backward(d, needs_input=i > first)  # type: ignore[assignment]
