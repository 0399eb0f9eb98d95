"""Tries a regularizer on small tensors before training: what its functions raise or return wrongly is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from ablate import regularizers
from ablate.options.discovery import REGULARIZERS, blamed
from ablate.regularizers import HOOKS, Hook, Regularizer
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short
from ablate.utils.seeds import Draws
from ablate.utils.text import cut, line

RUNS, BATCH = 2, 3
KERNELWISE = ("penalty", "project")  # called with a kernel of one run
KERNEL = (8, 16)
Shape = tuple[int, ...]


def fits(name: str, strength: float, shape: Shape, outputs: int, kernels: Sequence[Shape] = (KERNEL,)) -> None:
    """Call every function of a regularizer, at this strength, for samples of this shape and this many logits.

    kernels: their shapes; of those with as many dimensions, the smallest is tried.

    Raises:
        ConfigError: one fails, or returns something else than it should.
    """
    smallest = {len(kernel): kernel for kernel in sorted(kernels, key=math.prod, reverse=True)}
    for kernel in smallest.values():
        _tried(regularizers.get(name), strength, shape, outputs, kernel)


@cache
def _tried(regularizer: Regularizer, strength: float, shape: Shape, outputs: int, kernel: Shape) -> None:
    file = REGULARIZERS.file(regularizer.name)
    for hook, names in HOOKS.items():
        function = getattr(regularizer, hook)
        if function is None:
            continue
        given = {name: _example(name, hook, strength, shape, outputs, kernel) for name in names}
        before = {name: value.clone() for name, value in given.items() if isinstance(value, Tensor)}
        said = f"regularizer.{regularizer.name}: {hook}({', '.join(names)}) in"
        try:
            returned = function(*given.values())
            wrong = _wrong(hook, returned, given)
            if hook == "penalty" and wrong is None:  # the figure of all runs is taken by vmap
                torch.func.vmap(function)(*(torch.stack([value] * RUNS) for value in given.values()))
            if hook == "penalty" and wrong is None and not (regularizer.gradient or regularizer.proximal):
                _by_autograd(function, given["weight"])
            mixes = hook not in KERNELWISE and wrong is None and _mixes_runs(function, before, given, returned)
        except Exception as error:
            raise ConfigError(f"{said} {blamed(error, file)} fails: {one_line(error)}") from error
        if wrong is not None:
            raise ConfigError(f"{said} {short(file)} must return {wrong}; it returned {_told(returned)}")
        if changed := [name for name, value in before.items() if name != "out" and not torch.equal(value, given[name])]:
            raise ConfigError(
                f"{said} {short(file)} must not change {changed[0]}, which it is given, but return another"
            )
        if hook == "gradient" and (wrong := _wrong_gradient(regularizer)):
            raise ConfigError(f"{said} {short(file)} {wrong}; without one, autograd is asked")
        if mixes:
            raise ConfigError(
                f"{said} {short(file)} must take every run by itself; what it gives one depends on others"
            )


def _mixes_runs(function: Hook, before: dict[str, Tensor], given: dict[str, Any], returned: Any) -> bool:
    """Whether the first run gets something else alone than beside the second. before: the tensors that were given."""
    alone = {name: value[:1].clone() for name, value in before.items()}
    random = {"random": _random(1)} if "random" in given else {}
    each = function(*(given | alone | random).values())
    if "out" in given:
        each, returned = alone["out"], given["out"]
    pairs = zip(each, returned, strict=True) if isinstance(each, tuple) else [(each, returned)]
    return not all(torch.allclose(one[0], both[0], rtol=1e-3, atol=1e-6, equal_nan=True) for one, both in pairs)


def _by_autograd(penalty: Hook, kernel: Tensor) -> Tensor:
    kernel = kernel.clone().requires_grad_()
    return torch.autograd.grad(penalty(kernel), kernel)[0]


def _wrong_gradient(regularizer: Regularizer) -> str | None:
    assert regularizer.gradient is not None and regularizer.penalty is not None
    kernel = _example("weight", "penalty", 1.0, (), 1, KERNEL)
    closed = regularizer.gradient(kernel.view(1, -1)).view_as(kernel)
    if not torch.allclose(closed, _by_autograd(regularizer.penalty, kernel), rtol=1e-3, atol=1e-5):
        return "is not the gradient of penalty, element by element"
    # It is called on whole rows, of which some numbers are no kernel's, and 0: 0 times infinity is no number.
    return None if regularizer.gradient(torch.zeros(1, 4)).isfinite().all() else "must be finite where a weight is 0"


def _random(runs: int) -> Draws:
    return Draws([torch.Generator().manual_seed(run) for run in range(runs)], "cpu")


def _example(name: str, hook: str, strength: float, shape: Shape, outputs: int, kernel: Shape) -> Any:
    """An argument of a hook, as training gives it."""
    random = torch.Generator().manual_seed(0)
    rows = (RUNS, math.prod(KERNEL))
    shapes = {
        "x": (RUNS, BATCH, *shape),
        "y": (RUNS, outputs, BATCH),
        "logits": (RUNS, outputs, BATCH),
        "out": (RUNS, BATCH, 4),
        "weight": kernel if hook in KERNELWISE else rows,
    }
    if name == "random":
        return _random(RUNS)
    if name == "step":
        return 1
    if name == "strength":
        first = {"inputs": "x", "targets": "y", "outputs": "logits"}.get(hook, "weight")
        beside = {"masks": (RUNS,), "project": ()}.get(hook, (RUNS, *[1] * (len(shapes[first]) - 1)))
        return torch.full(beside, strength)
    example = torch.rand(shapes.get(name, rows), generator=random)
    return torch.softmax(example, 1) if name == "y" and outputs > 1 else example - 0.5 * (name != "y")


def _wrong(hook: str, returned: Any, given: dict[str, Any]) -> str | None:
    """What should have been returned, where it was not."""
    if hook == "masks":
        return None if given["out"].isfinite().all() else "nothing, and fill out with finite numbers"
    if hook == "penalty":
        return None if _is_like(returned, torch.zeros(())) else "one number, as a tensor"
    like = [given[name] for name in ("x", "y")] if hook == "inputs" else [next(iter(given.values()))]
    each = returned if hook == "inputs" and isinstance(returned, tuple) else (returned,)
    if len(each) == len(like) and all(map(_is_like, each, like)):
        return None
    return " and ".join(f"a tensor of shape {list(tensor.shape)}" for tensor in like)


def _is_like(returned: Any, tensor: Tensor) -> bool:
    return isinstance(returned, Tensor) and returned.shape == tensor.shape


def _told(returned: Any) -> str:
    if isinstance(returned, Tensor):
        return f"a tensor of shape {list(returned.shape)}"
    if isinstance(returned, tuple):
        return " and ".join(map(_told, returned)) or "()"
    return f"{cut(line(returned))}, no tensor"
