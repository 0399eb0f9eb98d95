"""Regularizers. A module here is a regularizer, and its name a key of every config: `regularizer.<name>`.

A module must define
- `penalty(weight)`: the penalty of one kernel at strength 1, a scalar tensor. The strength multiplies it.
  `penalty = None` says that there is none, because models apply the regularizer.
and may define
- `gradient(weight)`: the gradient of that in closed form, element by element. Without it, autograd is asked.
- `proximal(weight, amount)`: the proximal operator of amount × penalty, element by element. With one, the penalty
  adds no gradient: after every step of the optimizer it replaces the weights, with amount = learning rate × strength.
- `LIMITS`: pydantic's type of the strength, where it is not simply a number from 0 up.
Its docstring's first line says what it is, in the config's reference too.

Kernels are the weights of layers, never biases or the parameters of a normalisation. `penalty` gets them one
at a time and unstacked, as the layer has them ([out, in] for a linear one); `gradient` and `proximal` get rows of all
parameters of several runs, of which only the kernels count, so they must not mix elements. amount has weight's shape.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field

from ablate.discovery import file, load, modules
from ablate.errors import ConfigError, cut, line, one_line
from ablate.files import short


def names() -> tuple[str, ...]:
    return modules(__name__)


def _module(name: str) -> ModuleType:
    """A regularizer's module.

    Raises:
        ConfigError: it can't be imported, or doesn't say what its penalty is.
    """
    module = load(__name__, name)
    if not hasattr(module, "penalty"):
        wanted = "must define penalty(weight), or penalty = None where models apply it"
        raise ConfigError(f"{short(file(__name__, name))}: {wanted}")
    return module


def limits(name: str) -> Any:
    return getattr(_module(name), "LIMITS", Annotated[float, Field(ge=0)])


def summary(name: str) -> str:
    """The first line of a regularizer's docstring."""
    return (_module(name).__doc__ or "").partition("\n")[0]


@cache
def penalties() -> tuple[str, ...]:
    """The names of the regularizers that add a penalty to the loss."""
    return tuple(name for name in names() if _module(name).penalty is not None)


@cache
def fits(name: str) -> None:
    """Try a penalty on a small kernel.

    Raises:
        ConfigError: it fails, or gives anything but a scalar tensor.
    """
    import torch

    where = f"regularizer.{name}: penalty(weight) in {short(file(__name__, name))}"
    try:
        value = _module(name).penalty(torch.linspace(-1, 1, 128).view(8, 16))
    except Exception as error:
        raise ConfigError(f"{where} fails: {one_line(error)}") from error
    if not isinstance(value, torch.Tensor) or value.shape != ():
        tensor = isinstance(value, torch.Tensor)
        returned = f"a tensor of shape {list(value.shape)}" if tensor else f"{cut(line(value))}, no tensor"
        raise ConfigError(f"{where} must return one number, as a tensor; it returned {returned}")
