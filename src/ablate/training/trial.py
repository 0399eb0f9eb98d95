"""Tries a regularizer on small tensors before training: what its functions raise or return wrongly is said."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from ablate import regularizers
from ablate.options.discovery import REGULARIZERS, blamed
from ablate.regularizers import HOOKS, Regularizer
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short
from ablate.utils.seeds import Draws
from ablate.utils.text import cut, line

RUNS, BATCH = 2, 3
KERNELWISE = ("penalty", "project")  # called with the kernels of one run, and with those of all by vmap


def fits(name: str, strength: float, shape: tuple[int, ...], outputs: int) -> None:
    """Call every function of a regularizer, at this strength, for samples of this shape and this many logits.

    Raises:
        ConfigError: one fails, or returns something else than it should.
    """
    _tried(regularizers.get(name), strength, shape, outputs)


@cache
def _tried(regularizer: Regularizer, strength: float, shape: tuple[int, ...], outputs: int) -> None:
    file = REGULARIZERS.file(regularizer.name)
    for hook, names in HOOKS.items():
        function = getattr(regularizer, hook)
        if function is None:
            continue
        given = {name: _example(name, hook, strength, shape, outputs) for name in names}
        said = f"regularizer.{regularizer.name}: {hook}({', '.join(names)}) in"
        try:
            returned = function(*given.values())
            wrong = _wrong(hook, returned, given)
            if hook in KERNELWISE and wrong is None:
                torch.func.vmap(function)(*(torch.stack([value] * RUNS) for value in given.values()))
        except Exception as error:
            raise ConfigError(f"{said} {blamed(error, file)} fails: {one_line(error)}") from error
        if wrong is not None:
            raise ConfigError(f"{said} {short(file)} must return {wrong}; it returned {_told(returned)}")


def _example(name: str, hook: str, strength: float, shape: tuple[int, ...], outputs: int) -> Any:
    """An argument of a hook, as training gives it."""
    random = torch.Generator().manual_seed(0)
    kernel, rows = (8, 16), (RUNS, 128)
    shapes = {
        "x": (RUNS, BATCH, *shape),
        "y": (RUNS, outputs, BATCH),
        "logits": (RUNS, outputs, BATCH),
        "out": (RUNS, BATCH, 4),
        "weight": kernel if hook in ("penalty", "project") else rows,
    }
    if name == "random":
        return Draws([torch.Generator().manual_seed(run) for run in range(RUNS)], "cpu")
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
