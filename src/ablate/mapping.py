"""Any nn.Module in a stack: vmap over functional_call, gradients by autograd; or run after run.

Slower than the hand-batched layers of layers.py (docs/performance.md), and the way for everything that they
don't know: convolutions, normalisation, residual connections, modules of your own.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from ablate.arithmetic import threads
from ablate.layers import Chain, Dropout, Views
from ablate.regularizers import dropout
from ablate.seeds import DROPOUT, generator

CHANNELWISE = (nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class _Masked(nn.Module):
    """Stands in for a dropout layer: multiplies by `mask`, or notes the shape of what it is given."""

    def __init__(self, channelwise: bool) -> None:
        super().__init__()
        self.channelwise = channelwise
        self.mask: Tensor | None = None
        self.shape = torch.Size()

    def forward(self, x: Tensor) -> Tensor:
        # Channel-wise dropout hides whole channels: its mask has one number for each.
        self.shape = torch.Size([*x.shape[:2], *[1] * (x.ndim - 2)]) if self.channelwise else x.shape
        return x if self.mask is None else x * self.mask


class Mapped:
    """A stack of modules that vmap can map."""

    pads = False  # a layer may look at the whole batch, as batch normalisation does

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], rows: Views, gradients: Views) -> None:
        """models: one a run. rows: [runs, …] by name of parameter or buffer; buffers are updated in place."""
        self.module = copy.deepcopy(models[0])
        trained = dict(self.module.named_parameters())
        self.leaves = {name: rows[name].detach().requires_grad_() for name in trained}
        # vmap updates contiguous buffers in place, and others in a copy of its own: so they are copied back.
        self.kept = {name: tensor for name, tensor in rows.items() if name not in trained}
        self.buffers = {name: tensor.clone().contiguous() for name, tensor in self.kept.items()}
        self.gradients = [gradients[name] for name in trained]
        device = next(iter(rows.values())).device
        self.masked: dict[str, _Masked] = {}
        self.dropouts: dict[str, Dropout] = {}
        for index, (name, layer) in enumerate(models[0].named_modules()):
            if not isinstance(layer, nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d):
                continue
            self.masked[name] = _Masked(isinstance(layer, CHANNELWISE))
            self.module.set_submodule(name, self.masked[name])
            p = [dropout.rounded(model.get_submodule(name).p) for model in models]  # type: ignore[arg-type]
            if any(p):
                self.dropouts[name] = Dropout(p, seeds, index, device)
        self.shapes: dict[torch.Size, dict[str, torch.Size]] = {}

    def start_epoch(self, epoch: int) -> None:
        for layer in self.dropouts.values():
            layer.start_epoch(epoch)

    def forward(self, x: Tensor, training: bool = False) -> Tensor:
        """Logits [runs, outputs, batch] of x [runs or 1, batch, *shape]."""
        self.module.train(training)
        masks = self._draw(x) if training else {}
        shared = len(x) < len(next(iter(self.leaves.values())))
        with torch.set_grad_enabled(training):
            self.out = self._call(self.leaves, self.buffers, masks, x[0] if shared else x, shared)
        if training:
            for name, buffer in self.buffers.items():
                self.kept[name].copy_(buffer)
        return self.out.detach().transpose(1, 2)

    def backward(self, d: Tensor) -> None:
        """d: the loss's gradient by the logits, [runs, outputs, batch]. Fills the gradients of all parameters."""
        _differentiate(self.out, list(self.leaves.values()), d.transpose(1, 2), self.gradients)

    def _draw(self, x: Tensor) -> dict[str, Tensor]:
        if not self.dropouts:
            return {}
        if x.shape not in self.shapes:  # how large the masks are turns out when the module is run without them
            for layer in self.masked.values():
                layer.mask = None
            with torch.no_grad():
                buffers = {name: buffer.clone() for name, buffer in self.buffers.items()}
                functional_call(self.module, ({n: t[0] for n, t in (self.leaves | buffers).items()},), (x[0],))
            self.shapes[x.shape] = {name: self.masked[name].shape for name in self.dropouts}
        shapes = self.shapes[x.shape]
        return {name: layer.draw(torch.Size([len(x), *shapes[name]])) for name, layer in self.dropouts.items()}

    def _call(self, leaves: Views, buffers: Views, masks: Views, x: Tensor, shared: bool) -> Tensor:
        def one(leaves: Any, buffers: Any, masks: Any, x: Tensor) -> Tensor:
            for name, layer in self.masked.items():
                layer.mask = masks.get(name)
            return functional_call(self.module, (leaves, buffers), (x,))

        return vmap(one, in_dims=(0, 0, 0, None if shared else 0))(leaves, buffers, masks, x)


class Looped(Mapped):
    """Run after run, without vmap: for modules that it can't map, or would round otherwise in company.

    Random numbers that a module draws by itself come from a state of torch's generator that each run keeps.
    """

    def __init__(self, models: Sequence[nn.Module], seeds: Sequence[int], rows: Views, gradients: Views) -> None:
        super().__init__(models, seeds, rows, gradients)
        self.seeds = seeds
        self.states: list[Tensor] = []
        self.each = [
            ({n: t[i].detach().requires_grad_() for n, t in self.leaves.items()}, [g[i] for g in self.gradients])
            for i in range(len(models))
        ]

    def start_epoch(self, epoch: int) -> None:
        super().start_epoch(epoch)
        self.states = [generator(seed, DROPOUT, epoch).get_state() for seed in self.seeds]

    def _call(self, leaves: Views, buffers: Views, masks: Views, x: Tensor, shared: bool) -> Tensor:
        self.outs = []
        with torch.random.fork_rng(devices=[]):
            for i, (own, _) in enumerate(self.each):
                for name, layer in self.masked.items():
                    layer.mask = masks[name][i] if name in masks else None
                if self.module.training:
                    torch.set_rng_state(self.states[i])
                tensors = (own, {name: buffer[i] for name, buffer in buffers.items()})
                self.outs.append(functional_call(self.module, tensors, (x if shared else x[i],)))
                if self.module.training:
                    self.states[i] = torch.get_rng_state()
        return torch.stack(self.outs)

    def backward(self, d: Tensor) -> None:
        for (own, slots), out, share in zip(self.each, self.outs, d.transpose(1, 2), strict=True):
            _differentiate(out, list(own.values()), share, slots)


def _differentiate(out: Tensor, leaves: list[Tensor], d: Tensor, slots: list[Tensor]) -> None:
    """Write the gradients of the leaves into the slots; zeros for what the module doesn't use."""
    found = torch.autograd.grad(out, leaves, d, allow_unused=True)
    for slot, gradient in zip(slots, found, strict=True):
        slot.zero_() if gradient is None else slot.copy_(gradient)


def executor(
    model: nn.Module, shape: tuple[int, ...], batches: Sequence[int]
) -> tuple[type[Chain | Mapped], str | None]:
    """How to run stacks of this model: by hand, by vmap, or run after run and why.

    vmap turns some operations (convolutions, say) into others that are rounded differently in company. A
    run's figures must not depend on that, so it is tried: with samples of this shape, in batches of these
    sizes, a run alone and in a stack of four.
    """
    if Chain.takes(model, shape):
        return Chain, None
    try:
        with threads(1):
            same = all(_alike(model, shape, size) for size in set(batches))
    except Exception as error:  # whatever a module of the user's, or vmap in it, may raise
        return Looped, f"vmap can't map {type(model).__name__}: {' '.join(str(error).split())[:120]}"
    return (Mapped, None) if same else (Looped, f"vmap rounds {type(model).__name__} differently in company")


def _alike(model: nn.Module, shape: tuple[int, ...], batch: int) -> bool:
    """Whether a run has the same logits and gradients alone and as the second of four."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn(4, batch, *shape, generator=random)
    found = []
    for place in (slice(1, 2), slice(0, 4)):
        n = place.stop - place.start
        tensors = dict(model.named_parameters()) | {n: b for n, b in model.named_buffers() if b.is_floating_point()}
        rows, gradients = ({name: torch.stack([t.detach()] * n) for name, t in tensors.items()} for _ in range(2))
        mapped = Mapped([model] * n, list(range(4))[place], rows, gradients)
        mapped.start_epoch(1)
        logits = mapped.forward(x[place], training=True)
        mapped.backward(logits)
        row = 1 - place.start
        with torch.no_grad():
            evaluated = mapped.forward(x[:1])
        found.append([logits[row], evaluated[row], *(g[row] for g in gradients.values())])
    return all(torch.equal(a, b) for a, b in zip(*found, strict=True))
