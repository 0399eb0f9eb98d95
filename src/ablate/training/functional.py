"""Any nn.Module in a stack: vmap over functional_call, gradients by autograd; or run after run.

Slower than the hand-batched layers of dense.py (docs/performance.md), and the way for everything that they
don't know: convolutions, normalisation, residual connections, modules of your own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablate import regularizers
from ablate.training.dense import Views
from ablate.training.masks import Masks, of_layers
from ablate.utils.seeds import DROPOUT, generator

CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
Drawn = dict[str, list[Tensor]]  # masks of a forward pass: of every layer, one a call
Draw = Callable[[torch.Size, int], Tensor]  # the mask for an input of this shape, in this call of a forward pass
Outcome = tuple[Tensor, dict[str, Tensor]]  # logits, and which units of every ReLU were active


class _Masked(nn.Module):
    """Stands in for a dropout layer: multiplies by its masks in training, and notes the shapes of what it is given."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.p, self.inplace = layer.p, getattr(layer, "inplace", False)  # for a module that looks
        self.channelwise = isinstance(layer, CHANNELWISE)
        self.begin(None)

    def begin(self, draw: Draw | None) -> None:
        """Before each forward pass: where the masks come from, if there are any."""
        self.draw, self.shapes = draw, list[torch.Size]()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:  # a module may keep a part of itself in evaluation
            return x
        # Channel-wise dropout hides whole channels: its mask has one number for each.
        shape = torch.Size([*x.shape[:2], *[1] * (x.ndim - 2)]) if self.channelwise else x.shape
        self.shapes.append(shape)
        return x if self.draw is None else x * self.draw(shape, len(self.shapes) - 1)


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
    """A copy of a model whose dropout layers are stood in for; else it is the user's own, with its own state."""

    def __init__(self, model: nn.Module) -> None:
        self.module = copy.deepcopy(model)
        self.masked: dict[str, _Masked] = {}
        for name, layer in drawing(model):
            same = next((other for other in self.masked if model.get_submodule(other) is layer), None)
            self.module.set_submodule(name, self.masked.setdefault(same or name, _Masked(layer)))
        self.watches: dict[str, _Watch] = {}
        for name, layer in self.module.named_modules():
            if isinstance(layer, nn.ReLU):
                self.watches[name] = _Watch()
                layer.register_forward_hook(self.watches[name])
        self.buffers: dict[str, Tensor] = {}
        self.module.register_forward_hook(self._note_buffers)

    def _note_buffers(self, module: nn.Module, given: Any, out: Any) -> None:
        self.buffers = dict(module.named_buffers())

    def begin(self, draws: Mapping[str, Draw], device: torch.device) -> None:
        """Before each forward pass. draws: by layer, none for those that draw no masks."""
        for name, layer in self.masked.items():
            layer.begin(draws.get(name))
        for watch in self.watches.values():
            watch.active = torch.empty(0, dtype=torch.bool, device=device)

    def end(self, buffers: Views) -> dict[str, Tensor]:
        """After it: which units of every ReLU were active, [units], none of one that was not called.

        `self.mean = 0.9 * self.mean + …` binds a buffer anew; what it holds goes into that which was given.
        """
        with torch.no_grad():
            for name, new in self.buffers.items():
                if name in buffers and new is not buffers[name]:
                    buffers[name].copy_(new)
        self.buffers = {}
        return {name: watch.active for name, watch in self.watches.items()}


def drawing(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers of a model that draw masks; one with two names has two places."""
    return [(n, layer) for n, layer in model.named_modules(remove_duplicate=False) if regularizers.of_layer(layer)]


class Vmapped:
    """A stack of modules that vmap can map: one of them computes for all runs, with the tensors of each."""

    pads = False  # a layer may look at the whole batch, as batch normalisation does

    def __init__(
        self,
        models: Sequence[nn.Module],
        seeds: Sequence[int],
        tensors: Views,
        gradients: Views,
        *,
        modules: Sequence[_Module] = (),
    ) -> None:
        """models: one a run. tensors: [runs, …] by name of parameter or buffer; buffers are updated in place.

        gradients: [runs, …] by name, of the parameters that are trained. modules: those that computed before.
        """
        self.modules = modules or self._modules(models)
        self.leaves = {name: tensors[name].detach().requires_grad_() for name in gradients}
        self.buffers = {name: tensor for name, tensor in tensors.items() if name not in gradients}
        self.gradients, self.seeds = gradients, seeds
        self.device = next(iter(tensors.values())).device
        self.model = models[0]
        # A layer draws from the stream of its place.
        self.places = {name: place for place, (name, _) in reversed(list(enumerate(drawing(self.model))))}
        self.drawing = self._masks(models, seeds)
        self.masks = list(self.drawing.values())
        self.shapes: dict[torch.Size, dict[str, list[torch.Size]]] = {}
        self.found: dict[str, Tensor] = {}

    @staticmethod
    def _modules(models: Sequence[nn.Module]) -> Sequence[_Module]:
        return [_Module(models[0])]

    def _masks(self, models: Sequence[nn.Module], seeds: Sequence[int]) -> dict[str, Masks]:
        """By layer, of those that draw some."""
        drawn = ((n, of_layers(models, n, seeds, self.places[n], self.device)) for n in self.modules[0].masked)
        return {name: masks for name, masks in drawn if masks}

    def keep(self, rows: Sequence[int], *binding: Any) -> Vmapped:
        """The same for these rows, with what the modules have kept by themselves. binding: what `__init__` takes."""
        return type(self)(*binding, modules=self.modules)

    def start_epoch(self, epoch: int) -> None:
        for masks in self.masks:
            masks.start_epoch(epoch)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits [runs, outputs, batch] of x [runs or 1, batch, *shape]."""
        for each in self.modules:
            each.module.train(training)
        with torch.set_grad_enabled(training):
            self.out, self.found = self._call(x, training)
        return self.out.detach().transpose(1, 2)

    def active(self) -> dict[str, Tensor]:
        """Which units of every ReLU were above 0 for some sample of the last evaluation: [runs, units], bool."""
        return self.found

    def backward(self, d: Tensor) -> None:
        """d: the loss's gradient by the logits, [runs, outputs, batch]. Fills the gradients of all parameters."""
        leaves = list(self.leaves.values())
        found = torch.autograd.grad(self.out, leaves, d.transpose(1, 2), allow_unused=True)
        for slot, gradient in zip(self.gradients.values(), found, strict=True):
            _fill(slot, gradient)

    def _draw(self, x: Tensor) -> Drawn:
        if not self.masks:
            return {}
        if x.shape not in self.shapes:  # how large the masks are turns out when the module is run without them
            probe = _Module(self.model)
            probe.begin({}, self.device)
            first = {name: tensor[0].clone() for name, tensor in (self.leaves | self.buffers).items()}
            with torch.no_grad():
                functional_call(probe.module.train(), first, (x[0],))
            self.shapes[x.shape] = {name: probe.masked[name].shapes for name in self.drawing}
        return {
            name: [self.drawing[name].draw(torch.Size([len(x), *shape]), call) for call, shape in enumerate(shapes)]
            for name, shapes in self.shapes[x.shape].items()
        }

    def _call(self, x: Tensor, training: bool) -> Outcome:
        module, shared = self.modules[0], len(x) < len(self.seeds)

        def one(leaves: Any, buffers: Any, drawn: Any, x: Tensor) -> Outcome:
            module.begin({name: partial(_nth, masks) for name, masks in drawn.items()}, self.device)
            return functional_call(module.module, (leaves, buffers), (x,)), module.end(buffers)

        mapped = vmap(one, in_dims=(0, 0, 0, None if shared else 0))
        found: Outcome = mapped(self.leaves, self.buffers, self._draw(x) if training else {}, x[0] if shared else x)
        return found


class Serial(Vmapped):
    """Run after run, each by a module of its own: for those that vmap can't map, or would round otherwise in company.

    Random numbers that a module draws by itself come from a state of torch's generator that each run keeps.
    """

    def __init__(self, *binding: Any, modules: Sequence[_Module] = ()) -> None:
        super().__init__(*binding, modules=modules)
        self.states: list[Tensor] = []
        tensors = {name: tensor.detach() for name, tensor in (self.leaves | self.buffers).items()}
        self.own = [{name: tensor[run] for name, tensor in tensors.items()} for run in range(len(self.seeds))]
        for each, own in zip(self.modules, self.own, strict=True):
            for name, parameter in each.module.named_parameters():
                parameter.data = own[name]  # a view: whatever reaches the parameter finds what is trained

    @staticmethod
    def _modules(models: Sequence[nn.Module]) -> Sequence[_Module]:
        return [_Module(model) for model in models]

    def _masks(self, models: Sequence[nn.Module], seeds: Sequence[int]) -> dict[str, Masks]:
        """By layer and run, drawn when a layer is called."""
        drawn = {
            f"{run} {name}": of_layers([model], name, [seed], self.places[name], self.device)
            for run, (model, seed) in enumerate(zip(models, seeds, strict=True))
            for name in self.modules[0].masked
        }
        return {key: masks for key, masks in drawn.items() if masks}

    def keep(self, rows: Sequence[int], *binding: Any) -> Vmapped:
        return type(self)(*binding, modules=[self.modules[row] for row in rows])

    def start_epoch(self, epoch: int) -> None:
        super().start_epoch(epoch)
        self.states = [generator(seed, DROPOUT, epoch).get_state() for seed in self.seeds]

    def _call(self, x: Tensor, training: bool) -> Outcome:
        shared, found = len(x) < len(self.seeds), []
        with torch.random.fork_rng(devices=[]):
            for run, (each, own) in enumerate(zip(self.modules, self.own, strict=True)):
                if training:
                    torch.set_rng_state(self.states[run])
                draws = {
                    name: partial(_alone, masks) for name in each.masked if (masks := self.drawing.get(f"{run} {name}"))
                }
                each.begin(draws if training else {}, self.device)
                for name in self.buffers.keys() & dict(each.module.named_buffers()).keys():
                    owner, _, last = name.rpartition(".")
                    each.module.get_submodule(owner)._buffers[last] = own[name]
                out = each.module(x[0] if shared else x[run])
                found.append((out, each.end(own)))
                if training:
                    self.states[run] = torch.get_rng_state()
        self.outs, active = zip(*found, strict=True)
        out = torch.stack([out.detach() for out in self.outs])
        return out, {name: _stacked([run[name] for run in active]) for name in active[0]}

    def backward(self, d: Tensor) -> None:
        for run, (each, out) in enumerate(zip(self.modules, self.outs, strict=True)):
            trained = {name: p for name, p in each.module.named_parameters() if name in self.gradients}
            out.backward(d[run].t())  # not autograd.grad: some of what computes again in this pass knows no other way
            for name, parameter in trained.items():
                _fill(self.gradients[name][run], parameter.grad)
                parameter.grad = None


def _nth(masks: Sequence[Tensor], shape: torch.Size, call: int) -> Tensor:
    return masks[call]


def _alone(masks: Masks, shape: torch.Size, call: int) -> Tensor:
    return masks.draw(torch.Size([1, *shape]), call)[0]


def _fill(slot: Tensor, gradient: Tensor | None) -> None:
    """Zeros for what a module doesn't use."""
    slot.zero_() if gradient is None else slot.copy_(gradient)


def _stacked(active: list[Tensor]) -> Tensor:
    """[runs, units]; a run that didn't call the ReLU, or with other units than most, has none that are active."""
    units = max(len(run) for run in active)
    return torch.stack([run if len(run) == units else run.new_zeros(units) for run in active])
