"""Any nn.Module in a stack: vmap over functional_call, gradients by autograd; or run after run.

Slower than the hand-batched layers of dense.py (docs/performance.md), and the way for everything that they
don't know: convolutions, normalisation, residual connections, modules of your own.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablate import regularizers
from ablate.training.dense import Views
from ablate.training.masks import of_layers
from ablate.utils.seeds import DROPOUT, generator

CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
Drawn = dict[str, list[Tensor]]  # masks of a forward pass: of every layer, one a call
Outcome = tuple[Tensor, dict[str, Tensor]]  # logits, and which units of every ReLU were active


class _Masked(nn.Module):
    """Stands in for a dropout layer: multiplies by its masks, one a call, or notes the shapes of what it is given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.p, self.inplace = layer.p, getattr(layer, "inplace", False)  # for a module that looks
        self.channelwise = isinstance(layer, CHANNELWISE)
        self.begin([])

    def begin(self, masks: list[Tensor]) -> None:
        """Before each forward pass: the masks for its calls of this layer, or none."""
        self.masks, self.shapes = masks, list[torch.Size]()

    def forward(self, x: Tensor) -> Tensor:
        # Channel-wise dropout hides whole channels: its mask has one number for each.
        shape = torch.Size([*x.shape[:2], *[1] * (x.ndim - 2)]) if self.channelwise else x.shape
        self.shapes.append(shape)
        return x * self.masks[len(self.shapes) - 1] if self.masks else x


class _Watch:
    """Notes, in evaluation, which units of a ReLU (a convolution's channels) are above 0 for some sample.

    A hook, which leaves the module as its own code knows it. Of several calls in a forward pass, those with as many
    units as the first count as one.
    """

    def __init__(self) -> None:
        self.active = torch.empty(0, dtype=torch.bool)

    def __call__(self, module: nn.Module, given: Any, y: Tensor) -> None:
        if module.training or y.ndim < 2:
            return
        active = y.transpose(0, 1).flatten(1).amax(1) > 0
        if not len(self.active):
            self.active = active
        elif self.active.shape == active.shape:
            self.active = self.active | active


class _Module:
    """A copy of a model that computes with the tensors and masks that it is given.

    It is the user's own module, with its own state, but for its dropout layers, which are stood in for. The tensors of
    the model, which it shares, are not used.
    """

    def __init__(self, model: nn.Module) -> None:
        shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
        self.module = copy.deepcopy(model, shared)
        self.masked: dict[str, _Masked] = {}
        layers = drawing(model)
        for i, (name, layer) in enumerate(layers):
            same = next((other for other, known in layers[:i] if known is layer), None)
            stand_in = _Masked(layer) if same is None else self.masked[same]
            self.module.set_submodule(name, stand_in)
            if same is None:
                self.masked[name] = stand_in
        self.watches: dict[str, _Watch] = {}
        for name, layer in self.module.named_modules():
            if isinstance(layer, nn.ReLU):
                self.watches[name] = _Watch()
                layer.register_forward_hook(self.watches[name])
        self.bound: dict[str, Tensor] = {}
        self.module.register_forward_hook(self._note_buffers)

    def _note_buffers(self, module: nn.Module, given: Any, out: Any) -> None:
        self.bound = dict(module.named_buffers())

    def call(self, leaves: Views, buffers: Views, masks: Mapping[str, list[Tensor]], x: Tensor) -> Outcome:
        """masks: for every call of a layer, by its name; none for layers that draw none. Buffers are updated."""
        for name, layer in self.masked.items():
            layer.begin(masks.get(name, []))
        for watch in self.watches.values():
            watch.active = torch.empty(0, dtype=torch.bool, device=x.device)
        out = functional_call(self.module, (leaves, buffers), (x,))  # type: ignore[arg-type]
        with torch.no_grad():  # `self.mean = 0.9 * self.mean + …` binds a buffer anew, which functional_call forgets
            for name, new in self.bound.items():
                if new is not buffers[name]:
                    buffers[name].copy_(new)
        self.bound = {}
        return out, {name: watch.active for name, watch in self.watches.items()}


def drawing(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers of a model that draw masks; one with two names has two places."""
    return [(n, layer) for n, layer in model.named_modules(remove_duplicate=False) if regularizers.of_layer(layer)]


class Vmapped:
    """A stack of modules that vmap can map."""

    pads = False  # a layer may look at the whole batch, as batch normalisation does

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], tensors: Views, gradients: Views) -> None:
        """models: one a run. tensors: [runs, …] by name of parameter or buffer; buffers are updated in place.

        gradients: [runs, …] by name, of the parameters that are trained.
        """
        self.modules = self._modules(models)
        self.leaves = {name: tensors[name].detach().requires_grad_() for name in gradients}
        self.buffers = {name: tensor for name, tensor in tensors.items() if name not in gradients}
        self.gradients = list(gradients.values())
        self.seeds = seeds
        device = next(iter(tensors.values())).device
        self.model = models[0]
        # A layer draws from the stream of its place.
        places = [name for name, _ in drawing(self.model)]
        drawn = {name: of_layers(models, name, seeds, places.index(name), device) for name in self.modules[0].masked}
        self.drawing = {name: masks for name, masks in drawn.items() if masks}
        self.masks = list(self.drawing.values())
        self.shapes: dict[torch.Size, dict[str, list[torch.Size]]] = {}
        self.found: dict[str, Tensor] = {}

    @staticmethod
    def _modules(models: Sequence[nn.Module]) -> list[_Module]:
        return [_Module(models[0])]

    def start_epoch(self, epoch: int) -> None:
        for masks in self.masks:
            masks.start_epoch(epoch)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits [runs, outputs, batch] of x [runs or 1, batch, *shape]."""
        for each in self.modules:
            each.module.train(training)
        masks = self._draw(x) if training else {}
        shared = len(x) < len(next(iter(self.leaves.values())))
        with torch.set_grad_enabled(training):
            self.out, self.found = self._call(masks, x[0] if shared else x, shared)
        return self.out.detach().transpose(1, 2)

    def active(self) -> dict[str, Tensor]:
        """Which units of every ReLU were above 0 for some sample of the last evaluation: [runs, units], bool."""
        return self.found

    def backward(self, d: Tensor) -> None:
        """d: the loss's gradient by the logits, [runs, outputs, batch]. Fills the gradients of all parameters."""
        _differentiate(self.out, list(self.leaves.values()), d.transpose(1, 2), self.gradients)

    def _draw(self, x: Tensor) -> Drawn:
        if not self.masks:
            return {}
        if x.shape not in self.shapes:  # how large the masks are turns out when the module is run without them
            probe = _Module(self.model)
            leaves, buffers = ({n: t[0].clone() for n, t in held.items()} for held in (self.leaves, self.buffers))
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                probe.call(leaves, buffers, {}, x[0])
            self.shapes[x.shape] = {name: probe.masked[name].shapes for name in self.drawing}
        return {
            name: [self.drawing[name].draw(torch.Size([len(x), *shape]), call) for call, shape in enumerate(shapes)]
            for name, shapes in self.shapes[x.shape].items()
        }

    def _call(self, masks: Drawn, x: Tensor, shared: bool) -> Outcome:
        in_dims = (0, 0, 0, None if shared else 0)
        found: Outcome = vmap(self.modules[0].call, in_dims=in_dims)(self.leaves, self.buffers, masks, x)
        return found


class Serial(Vmapped):
    """Run after run, without vmap: for modules that it can't map, or would round otherwise in company.

    Random numbers that a module draws by itself come from a state of torch's generator that each run keeps.
    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], tensors: Views, gradients: Views) -> None:
        super().__init__(models, seeds, tensors, gradients)
        self.states: list[Tensor] = []
        self.each = [
            ({n: t[i].detach().requires_grad_() for n, t in self.leaves.items()}, [g[i] for g in self.gradients])
            for i in range(len(models))
        ]

    @staticmethod
    def _modules(models: Sequence[nn.Module]) -> list[_Module]:
        return [_Module(model) for model in models]

    def start_epoch(self, epoch: int) -> None:
        super().start_epoch(epoch)
        self.states = [generator(seed, DROPOUT, epoch).get_state() for seed in self.seeds]

    def _call(self, masks: Drawn, x: Tensor, shared: bool) -> Outcome:
        found = []
        with torch.random.fork_rng(devices=[]):
            for i, (each, (own, _)) in enumerate(zip(self.modules, self.each, strict=True)):
                if each.module.training:
                    torch.set_rng_state(self.states[i])
                buffers = {name: buffer[i] for name, buffer in self.buffers.items()}
                of_run = {name: [mask[i] for mask in calls] for name, calls in masks.items()}
                found.append(each.call(own, buffers, of_run, x if shared else x[i]))
                if each.module.training:
                    self.states[i] = torch.get_rng_state()
        self.outs, active = zip(*found, strict=True)
        return torch.stack(self.outs), {name: _stacked([run[name] for run in active]) for name in active[0]}

    def backward(self, d: Tensor) -> None:
        for (own, slots), out, share in zip(self.each, self.outs, d.transpose(1, 2), strict=True):
            _differentiate(out, list(own.values()), share, slots)


def _stacked(active: list[Tensor]) -> Tensor:
    """[runs, units]; a run that didn't call the ReLU, or with other units than most, has none that are active."""
    units = max(len(run) for run in active)
    return torch.stack([run if len(run) == units else run.new_zeros(units) for run in active])


def _differentiate(out: Tensor, leaves: list[Tensor], d: Tensor, slots: list[Tensor]) -> None:
    """Write the gradients of the leaves into the slots; zeros for what the module doesn't use."""
    found = torch.autograd.grad(out, leaves, d, allow_unused=True)
    for slot, gradient in zip(slots, found, strict=True):
        slot.zero_() if gradient is None else slot.copy_(gradient)
