"""Regularizers. A module here is a regularizer, and its name a key of every config: `regularizer.<name>`, its strength.

A module defines one or more of these functions, each a place in a training step (`training/stack.py` calls them in
this order). A run whose strength is 0 keeps its bits, whatever they would give it.

    inputs(x, y, strength, random)          → x, y: the batch of a step, x [runs, batch, *shape], y the targets
    targets(y, strength)                    → y: probabilities, [runs, classes, batch]; of two classes that of class 1
    masks(strength, random, out)            fills out [runs, batch or units, …] with what activations are multiplied by
    outputs(logits, strength)               → what the loss's gradient on logits grows by, [runs, outputs, batch]
    penalty(weight)                         → the penalty of one kernel at strength 1, a scalar; strength multiplies it
    gradient(weight)                        → of that, in closed form; without it, autograd is asked
    ascent(weight, gradient, strength)      → the weights at which the gradient is taken once more, and used
    gradients(gradient, weight, strength, random)   → the gradient that the optimizer is given
    decay(weight, amount)                   → the weights after the optimizer's step
    proximal(weight, amount)                → likewise, of amount × penalty, which then adds no gradient
    project(weight, strength)               → one kernel after the step, brought back to where it may be
    average(weight, memory, strength, step) → memory, the weights that are judged and kept; at first those of the start

Shapes. `penalty` and `project` get the kernels one at a time and unstacked, as the layer has them ([out, in] for a
linear one); kernels are the weights of layers, never biases or the parameters of a normalisation. `gradient`, `decay`
and `proximal` get rows, [runs, parameters], of which only the kernels count, so they must not mix elements; amount
has weight's shape, learning rate × strength. `gradients`, `ascent` and `average` get rows of all parameters.
strength: [runs, 1, …], so that it multiplies the first argument; `masks` gets [runs], `project` one number. random:
`utils.seeds.Draws`, each run's own numbers. Nothing may depend on which runs stand beside a run, and nothing that is
given is changed but `out`.

A module may also define `LIMITS`, pydantic's type of the strength, where it is not simply a number from 0 up. One with
`masks` defines `LAYERS`, the full names of the layers that draw them: a layer's own `p` is its strength, 0 for none.
Its docstring's first line says what it is, in the config's reference too. A helper's name begins with an underscore.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from ablate.options.discovery import REGULARIZERS
from ablate.utils.errors import ConfigError, one_line, one_of
from ablate.utils.files import short

# Every place with the arguments that are passed there.
HOOKS: dict[str, tuple[str, ...]] = {
    "inputs": ("x", "y", "strength", "random"),
    "targets": ("y", "strength"),
    "masks": ("strength", "random", "out"),
    "outputs": ("logits", "strength"),
    "penalty": ("weight",),
    "gradient": ("weight",),
    "ascent": ("weight", "gradient", "strength"),
    "gradients": ("gradient", "weight", "strength", "random"),
    "decay": ("weight", "amount"),
    "proximal": ("weight", "amount"),
    "project": ("weight", "strength"),
    "average": ("weight", "memory", "strength", "step"),
}
OF_A_PENALTY = ("gradient", "proximal")  # act together with a penalty
Hook = Callable[..., Any]


@dataclass(frozen=True)
class Regularizer:
    """The functions of a regularizer's module; None where it has none.

    limits: the type of its strength; layers: which of a model's layers draw its masks, by their full names.
    """

    name: str
    summary: str
    limits: Any
    layers: tuple[str, ...] = ()
    inputs: Hook | None = None
    targets: Hook | None = None
    masks: Hook | None = None
    outputs: Hook | None = None
    penalty: Hook | None = None
    gradient: Hook | None = None
    gradients: Hook | None = None
    ascent: Hook | None = None
    decay: Hook | None = None
    proximal: Hook | None = None
    project: Hook | None = None
    average: Hook | None = None

    @property
    def on_kernels(self) -> bool:
        """Whether it acts on kernels, or else on all parameters, samples or logits."""
        return any((self.penalty, self.decay, self.project))


def names() -> tuple[str, ...]:
    return REGULARIZERS.names()


def get(name: str) -> Regularizer:
    """A regularizer.

    Raises:
        ConfigError: its module can't be imported, or defines nothing that acts, or something that can't be called.
    """
    return _checked(name, REGULARIZERS.load(name))


def acting() -> tuple[str, ...]:
    """The names of the regularizers that training applies by itself: all but those whose masks are a model's."""
    return tuple(name for name in names() if get(name).masks is None)


def of_layer(layer: Any) -> Regularizer | None:
    """The regularizer whose masks a layer of a model draws, if it is such a layer."""
    kind = f"{type(layer).__module__}.{type(layer).__qualname__}"
    return next((found for name in names() if kind in (found := get(name)).layers), None)


@lru_cache(maxsize=256)
def _checked(name: str, module: ModuleType) -> Regularizer:
    where = short(REGULARIZERS.file(name))
    defined = {hook: found for hook in HOOKS if (found := getattr(module, hook, None)) is not None}
    for key, value in vars(module).items():
        own = inspect.isfunction(value) and value.__module__ == module.__name__
        if own and not key.startswith("_") and key not in HOOKS:
            raise ConfigError(f"{where}: {key}: {one_of(HOOKS, key)}; a helper's name begins with an underscore")
    if not defined:
        raise ConfigError(f"{where}: nothing in it acts; must define {_signature('penalty')} or another of {_listed()}")
    for hook, function in defined.items():
        if not callable(function):
            raise ConfigError(f"{where}: {hook}: must be a function, {_signature(hook)}")
        try:
            inspect.signature(function).bind(*HOOKS[hook])
        except TypeError as error:
            raise ConfigError(f"{where}: {hook}: must take what {_signature(hook)} does: {one_line(error)}") from None
        except ValueError:  # a built-in, which doesn't tell
            continue
    for hook in OF_A_PENALTY:
        if hook in defined and "penalty" not in defined:
            raise ConfigError(f"{where}: {hook}: goes with {_signature('penalty')}, which is missing")
    layers = getattr(module, "LAYERS", ())
    if not isinstance(layers, list | tuple) or not all(isinstance(layer, str) for layer in layers):
        raise ConfigError(f"{where}: LAYERS: must be a list of the full names of layers")
    if name == "layers":
        raise ConfigError(f"{where}: regularizer.layers is a key already; choose another name")
    if "masks" in defined and len(defined) > 1:
        raise ConfigError(f"{where}: masks: act by a model's layers, so a module with them has no other function here")
    if ("masks" in defined) != bool(layers):
        raise ConfigError(f"{where}: {_signature('masks')} and LAYERS, the layers that draw them, go together")
    limits: Any = getattr(module, "LIMITS", Annotated[float, Field(ge=0)])
    try:
        TypeAdapter(limits, config={"strict": True}).validate_python(0.0)
    except Exception:  # whatever pydantic says of what is no type
        raise ConfigError(f"{where}: LIMITS: must be a type of numbers, one that allows 0.0") from None
    return Regularizer(name, (module.__doc__ or "").strip().partition("\n")[0], limits, tuple(layers), **defined)


def _signature(hook: str) -> str:
    return f"{hook}({', '.join(HOOKS[hook])})"


def _listed() -> str:
    return ", ".join(HOOKS)
