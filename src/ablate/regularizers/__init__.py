"""Regularizers. A module here is a regularizer, and its name a key of every config: `regularizer.<name>`.

A module may define
- `penalty(weight)`: the penalty of one kernel at strength 1, a scalar tensor. The strength multiplies it.
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
from typing import Annotated, Any

from pydantic import Field

from ablate.discovery import load, modules


def names() -> tuple[str, ...]:
    return modules(__name__)


def limits(name: str) -> Any:
    return getattr(load(__name__, name), "LIMITS", Annotated[float, Field(ge=0)])


def summary(name: str) -> str:
    """The first line of a regularizer's docstring."""
    return (load(__name__, name).__doc__ or "").partition("\n")[0]


@cache
def penalties() -> tuple[str, ...]:
    """The names of the regularizers that add a penalty to the loss."""
    return tuple(name for name in names() if hasattr(load(__name__, name), "penalty"))
