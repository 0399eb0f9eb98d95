"""Any nn.Module in a stack: vmap over functional_call, gradients by autograd; or run after run.

Slower than the hand-batched layers of dense.py (docs/performance.md), and the way for everything that they
don't know: convolutions, normalisation, residual connections, modules of your own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablate import regularizers
from ablate.training.dense import Dense, Views
from ablate.training.masks import Masks, of_layers
from ablate.training.numerics import threads
from ablate.utils.seeds import DROPOUT, generator

CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)
Drawn = dict[str, list[Tensor]]  # masks of a forward pass: of every layer, one a call
Outcome = tuple[Tensor, dict[str, Tensor]]  # logits, and which units were active


class _Masked(nn.Module):
    """Stands in for a dropout layer: multiplies by its masks, one a call, or notes the shapes of what it is given."""

    def __init__(self, channelwise: bool) -> None:
        super().__init__()
        self.channelwise = channelwise
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


class Vmapped:
    """A stack of modules that vmap can map."""

    pads = False  # a layer may look at the whole batch, as batch normalisation does

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], tensors: Views, gradients: Views) -> None:
        """models: one a run. tensors: [runs, …] by name of parameter or buffer; buffers are updated in place.

        gradients: [runs, …] by name, of the parameters that are trained.
        """
        self.module = copy.deepcopy(models[0])
        self.leaves = {name: tensors[name].detach().requires_grad_() for name in gradients}
        self.buffers = {name: tensor for name, tensor in tensors.items() if name not in gradients}
        self.gradients = list(gradients.values())
        device = next(iter(tensors.values())).device
        self.masked: dict[str, _Masked] = {}
        self.drawing: dict[str, Masks] = {}
        layers = [(n, m) for n, m in models[0].named_modules(remove_duplicate=False) if regularizers.of_layer(m)]
        for index, (name, layer) in enumerate(layers):
            same = next((other for other, module in layers[:index] if module is layer), None)
            if same is not None:
                self.module.set_submodule(name, self.masked[same])
                continue
            self.masked[name] = _Masked(isinstance(layer, CHANNELWISE))
            self.module.set_submodule(name, self.masked[name])
            if drawn := of_layers(models, name, seeds, index, device):
                self.drawing[name] = drawn
        self.masks = list(self.drawing.values())
        self.watches: dict[str, _Watch] = {}
        for name, layer in self.module.named_modules():
            if isinstance(layer, nn.ReLU):
                self.watches[name] = _Watch()
                layer.register_forward_hook(self.watches[name])
        self.shapes: dict[torch.Size, dict[str, list[torch.Size]]] = {}
        self.found: dict[str, Tensor] = {}

    def start_epoch(self, epoch: int) -> None:
        for masks in self.masks:
            masks.start_epoch(epoch)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits [runs, outputs, batch] of x [runs or 1, batch, *shape]."""
        self.module.train(training)
        masks = self._draw(x) if training else {}
        shared = len(x) < len(next(iter(self.leaves.values())))
        with torch.set_grad_enabled(training):
            self.out, self.found = self._call(self.leaves, self.buffers, masks, x[0] if shared else x, shared)
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
            self._begin({})
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                tensors = {n: t[0].clone() for n, t in (self.leaves | self.buffers).items()}
                functional_call(self.module, tensors, (x[0],))
            self.shapes[x.shape] = {name: self.masked[name].shapes for name in self.drawing}
        return {
            name: [self.drawing[name].draw(torch.Size([len(x), *shape]), call) for call, shape in enumerate(shapes)]
            for name, shapes in self.shapes[x.shape].items()
        }

    def _begin(self, masks: Drawn) -> None:
        for name, layer in self.masked.items():
            layer.begin(masks.get(name, []))
        for watch in self.watches.values():
            watch.active = torch.empty(0, dtype=torch.bool, device=self.gradients[0].device)

    def _active(self) -> dict[str, Tensor]:
        """Of the pass just made of one run, [units]; none of a ReLU that was not called."""
        return {name: watch.active for name, watch in self.watches.items()}

    def _call(self, leaves: Views, buffers: Views, masks: Drawn, x: Tensor, shared: bool) -> Outcome:
        def one(leaves: Any, buffers: Any, masks: Any, x: Tensor) -> Outcome:
            self._begin(masks)
            return functional_call(self.module, (leaves, buffers), (x,)), self._active()

        found: Outcome = vmap(one, in_dims=(0, 0, 0, None if shared else 0))(leaves, buffers, masks, x)
        return found


class Serial(Vmapped):
    """Run after run, without vmap: for modules that it can't map, or would round otherwise in company.

    Random numbers that a module draws by itself come from a state of torch's generator that each run keeps.
    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], tensors: Views, gradients: Views) -> None:
        super().__init__(models, seeds, tensors, gradients)
        self.seeds = seeds
        self.states: list[Tensor] = []
        self.each = [
            ({n: t[i].detach().requires_grad_() for n, t in self.leaves.items()}, [g[i] for g in self.gradients])
            for i in range(len(models))
        ]

    def start_epoch(self, epoch: int) -> None:
        super().start_epoch(epoch)
        self.states = [generator(seed, DROPOUT, epoch).get_state() for seed in self.seeds]

    def _call(self, leaves: Views, buffers: Views, masks: Drawn, x: Tensor, shared: bool) -> Outcome:
        self.outs = []
        found = []
        with torch.random.fork_rng(devices=[]):
            for i, (own, _) in enumerate(self.each):
                self._begin({name: [mask[i] for mask in calls] for name, calls in masks.items()})
                if self.module.training:
                    torch.set_rng_state(self.states[i])
                tensors = (own, {name: buffer[i] for name, buffer in buffers.items()})
                self.outs.append(functional_call(self.module, tensors, (x if shared else x[i],)))
                found.append(self._active())
                if self.module.training:
                    self.states[i] = torch.get_rng_state()
        return torch.stack(self.outs), {name: _stacked([run[name] for run in found]) for name in self.watches}

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


def executor(
    model: nn.Module, shape: tuple[int, ...], batches: Sequence[int]
) -> tuple[type[Dense | Vmapped], str | None]:
    """How to run stacks of this model: by hand, by vmap, or run after run and why.

    vmap turns some operations (convolutions, say) into others that are rounded differently in company. A
    run's figures must not depend on that, so it is tried: with samples of this shape, in batches of these
    sizes, a run alone and in a stack of four.
    """
    if Dense.takes(model, shape):
        return Dense, None
    try:
        with threads(1):
            same = all(_alike(model, shape, size) for size in set(batches))
    except Exception as error:  # whatever a module of the user's, or vmap in it, may raise
        return Serial, f"vmap can't map {type(model).__name__}: {' '.join(str(error).split())[:120]}"
    return (Vmapped, None) if same else (Serial, f"vmap rounds {type(model).__name__} differently in company")


def _alike(model: nn.Module, shape: tuple[int, ...], batch: int) -> bool:
    """Whether a run has the same logits and gradients alone and as the second of four."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(4, batch, *shape, generator=random)
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    found = []
    for place in (slice(1, 2), slice(0, 4)):
        n, row = place.stop - place.start, 1 - place.start
        stacked = {name: torch.stack([tensor.detach()] * n) for name, tensor in tensors.items()}
        gradients = {name: torch.zeros_like(stacked[name]) for name in trained}
        mapped = Vmapped([model] * n, list(range(4))[place], stacked, gradients)
        mapped.start_epoch(1)
        for _ in range(2):  # the second step sees what the first left in buffers
            logits = mapped.forward(x[place], training=True)
            mapped.backward(logits)
        with torch.no_grad():
            evaluated = mapped.forward(x[:1])
        found.append([logits[row], evaluated[row], *(g[row] for g in gradients.values())])
    return all(torch.equal(a, b) for a, b in zip(*found, strict=True))
