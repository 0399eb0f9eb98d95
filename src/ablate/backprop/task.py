"""What is to be worked out, read from the command line; anything wrong is refused in one line."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablate.backprop.delta_rule import ACTIVATIONS, Array, Network, Pattern, Regularizer
from ablate.config.registration import folder
from ablate.config.schema import strengths
from ablate.options.schema import typed
from ablate.utils.errors import ConfigError, one_of, refuse

MOST_WEIGHTS = 10_000  # of a network that is to be read
LARGEST = sys.float_info.max
WORKED_OUT = ("l1", "l2", "dropout", "layers")
WEIGHTS, PATTERN, MASKS = range(3)  # a stream of random numbers each, so that one option leaves the others' alone
NOTES_WEIGHTS = (
    np.array([[0.1, 0.4], [0.8, 0.6]]),  # w13 w14, w23 w24
    np.array([[0.3], [0.9]]),  # w35, w45
)
NOTES = Network(NOTES_WEIGHTS, [np.zeros(2), np.zeros(1)])
NOTES_PATTERN = Pattern(np.array([0.35, 0.9]), np.array([0.5]))
EPILOG = """regularizers, as everywhere in ablate:
  regularizer=l1 regularizer.l1=0.01      loss + l1·Σ|w|
  regularizer=l2 regularizer.l2=0.01      loss + l2·Σw²
  regularizer=dropout                     hides each hidden unit with p = regularizer.dropout
  regularizer.layers=hidden               penalises all kernels but the last

examples:
  python -m ablate.backprop
  python -m ablate.backprop --steps 10 --svg step10.svg --tensorboard outputs/backprop
  python -m ablate.backprop regularizer=l1 regularizer.l1=0.01
  python -m ablate.backprop --network 2-3-2 --seed 1 --activation tanh --loss cross_entropy --bias
"""


class Task(NamedTuple):
    """What the command line asks for."""

    title: str
    network: Network
    pattern: Pattern
    rate: float
    regularizer: Regularizer
    seed: int
    steps: int
    full: bool
    tensorboard: Path | None
    svg: Path | None


def draw_masks(network: Network, p: float, seed: int, update: int) -> list[Array]:
    """Dropout's m of every hidden layer in an update: 0 with probability p, else 1/(1 − p); none where p is 0."""
    draw = np.random.default_rng([seed, MASKS, update])
    return [(draw.uniform(0, 1, units) >= p) / (1 - p) for units in network.sizes[1:-1] if p]


def random_network(shape: Sequence[int], seed: int) -> Network:
    """Weights and biases between −1 and 1, of two decimals: they can be read, and typed into a calculator."""
    weights, biases = np.random.default_rng([seed, WEIGHTS]), np.random.default_rng([seed, WEIGHTS, 1])
    return Network(
        [weights.uniform(-1, 1, pair).round(2) for pair in pairwise(shape)],
        [biases.uniform(-1, 1, units).round(2) for units in shape[1:]],
    )


def random_pattern(network: Network, seed: int) -> Pattern:
    """Inputs between 0 and 1. Targets likewise; after cross-entropy a class, or yes and no where there is one unit."""
    draw, (inputs, *_, outputs) = np.random.default_rng([seed, PATTERN]), network.sizes
    x = draw.uniform(0, 1, inputs).round(2)
    if network.loss == "squared":
        return Pattern(x, draw.uniform(0, 1, outputs).round(2))
    if network.output == "sigmoid":
        return Pattern(x, draw.integers(0, 2, outputs).astype(np.float64))
    return Pattern(x, np.eye(outputs)[draw.integers(outputs)])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message.removeprefix("argument "))


def _parser() -> argparse.ArgumentParser:
    made = _Parser(
        "python -m ablate.backprop",
        description="Back-propagation by hand: the lecture notes' example, or any small network, beside autograd.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made._negative_number_matcher = re.compile(r"-\.?\d")  # -1,2 and -.5 are values, not options
    add = made.add_argument
    add("overrides", nargs="*", metavar="regularizer=…", help="see below")
    add("--steps", default="1", metavar="N", help="updates; the first in full, then a line each (1)")
    add("--full", action="store_true", help="every update in full")
    add("--network", metavar="2-3-2", help="units of each layer, random weights (the notes' 2-2-1 and weights)")
    add("--seed", default="0", metavar="N", help="of random weights, inputs, targets and dropout's masks (0)")
    add("--activation", default="sigmoid", metavar="NAME", help=f"{', '.join(ACTIVATIONS)} (sigmoid)")
    add("--output", metavar="NAME", help="of the output units (squared: as --activation; else sigmoid or softmax)")
    add("--loss", default="squared", metavar="NAME", help="squared, ½Σ(t − y)², or cross_entropy (squared)")
    add("--bias", action="store_true", help="with biases; in the notes' network they start at 0")
    add("--input", metavar="X,…", help="the input, a number a unit")
    add("--target", metavar="T,…", help="the target, a number an output unit")
    add("--rate", default="1", metavar="η", help="learning rate (1)")
    add("--tensorboard", metavar="DIR", help="log error, weights, gradients and deltas of each step")
    add("--svg", metavar="FILE", help="draw the network at its last step")
    return made


def read(arguments: Sequence[str]) -> Task:
    """What `arguments` ask for.

    Raises:
        ConfigError: names the option, what was given and what is allowed.
    """
    parser = _parser()
    given, strange = parser.parse_known_intermixed_args(arguments)
    if strange:
        options = [option for option in parser._option_string_actions if option.startswith("--")]
        raise ConfigError(f"{strange[0]}: no such option; {one_of(options, strange[0])}")
    _need(not (given.svg and Path(given.svg).is_dir()), "--svg", given.svg, "is a folder; must be a file")
    (seed,) = _numbers("--seed", given.seed, "must be a whole number, 0 or more", least=0, kind=int)
    (steps,) = _numbers("--steps", given.steps, "must be a whole number, 1 or more", least=1, kind=int)
    (rate,) = _numbers("--rate", given.rate, "must be a number greater than 0", least=math.ulp(0))
    network = _network(given, seed)
    return Task(
        "The notes' example" if given.network is None else f"Random network of seed {seed}",
        *(network, _pattern(given, network, seed), rate, _regularizer(given.overrides), seed, steps, given.full),
        *(Path(name) if name else None for name in (given.tensorboard, given.svg)),
    )


def _need(holds: object, option: str, value: object, allowed: str) -> None:
    if not holds:
        raise refuse(option, value, allowed)


def _choose(option: str, value: str, names: Collection[str]) -> None:
    _need(value in names, option, value, one_of(names, value))


def _numbers(
    option: str, text: str, allowed: str, count: int = 1, least: float = -LARGEST, kind: Any = float, sign: str = ","
) -> list[Any]:
    """So many numbers of a kind, with a sign between."""
    with suppress(ValueError):
        numbers = [kind(part) for part in text.split(sign)]
        if len(numbers) == count and all(least <= value <= (2**63 if kind is int else LARGEST) for value in numbers):
            return numbers
    raise refuse(option, text, allowed)


def _network(given: argparse.Namespace, seed: int) -> Network:
    _choose("--activation", given.activation, ACTIVATIONS)
    _choose("--loss", given.loss, ("squared", "cross_entropy"))
    made = NOTES
    if given.network is not None:
        allowed = "must be two or more layers' units, like 2-2-1 or 3-4-4-2"
        layers = max(2, given.network.count("-") + 1)
        shape = _numbers("--network", given.network, allowed, layers, least=1, kind=int, sign="-")
        few = sum(a * b for a, b in pairwise(shape)) <= MOST_WEIGHTS
        _need(few, "--network", given.network, f"must have {MOST_WEIGHTS} weights at most: every one is written out")
        made = random_network(shape, seed)
    outputs, usual, one = tuple(ACTIVATIONS), given.activation, ""
    if given.loss == "cross_entropy":
        outputs = ("sigmoid", "softmax")[: made.sizes[-1]]  # softmax of a lone unit is 1 always
        usual, one = outputs[-1], "with one output unit " * (len(outputs) == 1)
    output = usual if given.output is None else given.output
    _need(output in outputs, "--output", output, f"{one}--loss={given.loss} goes with {', '.join(outputs)}")
    return Network(made.weights, made.biases if given.bias else (), given.activation, output, given.loss)


def _units(option: str, text: str | None, usual: Array, kind: str) -> Array:
    """A number for each unit, or what is usual."""
    count = len(usual)
    each = (
        "one finite number, for the one" if count == 1 else f"{count} finite numbers with commas between, one for each"
    )
    return usual if text is None else np.array(_numbers(option, text, f"must be {each} {kind} unit", count))


def _pattern(given: argparse.Namespace, network: Network, seed: int) -> Pattern:
    usual = NOTES_PATTERN if given.network is None else random_pattern(network, seed)
    x = _units("--input", given.input, usual.x, "input")
    target = _units("--target", given.target, usual.target, "output")
    if network.loss == "cross_entropy":
        within = ((target >= 0) & (target <= 1)).all()
        _need(within, "--target", given.target, "must be from 0 to 1 with --loss=cross_entropy")
        whole = network.output != "softmax" or math.isclose(target.sum(), 1, abs_tol=1e-9)
        _need(whole, "--target", given.target, "must add up to 1 with --output=softmax")
    return Pattern(x, target)


def _regularizer(overrides: Sequence[str]) -> Regularizer:
    """What overrides of the config group `regularizer` ask for: options of it, and values on top of them."""
    files = {path.stem: path for path in (folder() / "regularizer").glob("*.yaml")}
    options: Any = {}
    values: Any = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if key == "regularizer" and equals:
            _choose(key, value, files)
            options |= OmegaConf.load(files[value])
        elif key.startswith("regularizer.") and equals:
            try:
                values |= OmegaConf.from_dotlist([override]).regularizer
            except (OmegaConfBaseException, YAMLError):
                raise refuse(key, value, "can't be read as a value") from None
        else:
            raise ConfigError(f"{override}: must be an option, or regularizer=… or regularizer.l1=… and the like")
    checked = typed(strengths(), options | values, "regularizer")
    for name, value in checked:
        _need(name in WORKED_OUT or not value, f"regularizer.{name}", value, "only l1, l2, dropout by hand")
    return Regularizer(**{name: getattr(checked, name) for name in WORKED_OUT})
