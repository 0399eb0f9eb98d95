"""The command line of `python -m ablate.backprop`, and what it asks for; anything wrong is refused in one line."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablate.backprop import checks
from ablate.backprop.delta_rule import ACTIVATIONS, Network, Pattern, Penalty
from ablate.backprop.examples import (
    NOTES_PATTERN,
    NOTES_WEIGHTS,
    random_biases,
    random_pattern,
    random_weights,
    sizes,
    zero_biases,
)
from ablate.config.registration import folder
from ablate.config.schema import strengths
from ablate.options.schema import typed
from ablate.utils.errors import ConfigError, one_of, refuse

MOST_WEIGHTS = 10_000  # of a network that is to be read
WORKED_OUT = ("l1", "l2", "dropout")
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
    penalty: Penalty
    dropout: float
    seed: int
    steps: int
    full: bool
    tensorboard: Path | None
    svg: Path | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(message.removeprefix("argument "))


def parser() -> argparse.ArgumentParser:
    made = _Parser(
        "python -m ablate.backprop",
        description="Back-propagation by hand: the lecture notes' example, or any small network, beside autograd.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
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
    known = parser()
    given, strange = known.parse_known_intermixed_args(_joined(arguments))
    if strange:
        options = [option for action in known._actions for option in action.option_strings if len(option) > 2]
        raise ConfigError(f"{strange[0]}: no such option; {one_of(options, strange[0])}")
    if given.svg and Path(given.svg).is_dir():
        raise refuse("--svg", given.svg, "is a folder; must be a file")
    seed = checks.whole("--seed", given.seed, 0)
    network, title = _network(given, seed)
    return Task(
        title,
        network,
        _pattern(given, network, seed),
        checks.positive("--rate", given.rate),
        *_regularizer(given.overrides),
        seed,
        checks.whole("--steps", given.steps, 1),
        given.full,
        *(Path(name) if name else None for name in (given.tensorboard, given.svg)),
    )


def _joined(arguments: Sequence[str]) -> list[str]:
    """`--input -1,2` as `--input=-1,2`: argparse would take a list that begins with a minus for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1] in ("--input", "--target", "--rate") and argument[:1] == "-" != argument[1:2]:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


def _network(given: argparse.Namespace, seed: int) -> tuple[Network, str]:
    """The network, and what it is called."""
    checks.choose("--activation", given.activation, ACTIVATIONS)
    checks.choose("--loss", given.loss, ("squared", "cross_entropy"))
    if given.network is None:
        weights, title = NOTES_WEIGHTS, "The notes' example"
        biases = zero_biases(weights)
    else:
        shape = _shape(given.network)
        weights, title = random_weights(shape, seed), f"Random network of seed {seed}"
        biases = random_biases(shape, seed)
    outputs = sizes(weights)[-1]
    if given.loss == "squared":
        allowed, usual = tuple(ACTIVATIONS), given.activation
    else:
        allowed = ("sigmoid", "softmax") if outputs > 1 else ("sigmoid",)
        usual = allowed[-1]
    output = usual if given.output is None else given.output
    if output not in allowed:
        where = "with one output unit " if given.loss != "squared" and outputs == 1 else ""
        raise refuse("--output", output, f"{where}--loss={given.loss} goes with {', '.join(allowed)}")
    return Network(weights, biases if given.bias else (), given.activation, output, given.loss), title


def _shape(text: str) -> list[int]:
    parts = text.split("-")
    if len(parts) < 2 or not all(re.fullmatch("0*[1-9][0-9]{0,8}", part) for part in parts):
        raise refuse("--network", text, "must be two or more layers' units, like 2-2-1 or 3-4-4-2")
    shape = [int(part) for part in parts]
    if sum(a * b for a, b in pairwise(shape)) > MOST_WEIGHTS:
        raise refuse("--network", text, f"must have {MOST_WEIGHTS} weights at most: every one is written out")
    return shape


def _pattern(given: argparse.Namespace, network: Network, seed: int) -> Pattern:
    shape = sizes(network.weights)
    usual = NOTES_PATTERN if given.network is None else random_pattern(shape[0], network, seed)
    x = usual.x if given.input is None else checks.numbers("--input", given.input, shape[0], "input")
    target = usual.target if given.target is None else checks.numbers("--target", given.target, shape[-1], "output")
    if network.loss == "cross_entropy":
        if (target < 0).any() or (target > 1).any():
            raise refuse("--target", given.target, "must be from 0 to 1 with --loss=cross_entropy")
        if network.output == "softmax" and not math.isclose(target.sum(), 1, abs_tol=1e-9):
            raise refuse("--target", given.target, "must add up to 1 with --output=softmax")
    return Pattern(x, target)


def _regularizer(overrides: Sequence[str]) -> tuple[Penalty, float]:
    """The penalties and dropout's p that overrides of the config group `regularizer` name."""
    options = sorted(path.stem for path in (folder() / "regularizer").glob("*.yaml"))
    node: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for override in overrides:
        key, equals, value = override.partition("=")
        if not equals or not (key == "regularizer" or key.startswith("regularizer.")):
            raise ConfigError(f"{override}: must be an option, or regularizer=… or regularizer.l1=… and the like")
        if key == "regularizer":
            if value not in options:
                raise refuse(key, value, one_of(options, value))
            node |= _plain(OmegaConf.load(folder() / "regularizer" / f"{value}.yaml"))
        else:
            try:
                values |= _plain(OmegaConf.from_dotlist([override]))["regularizer"]
            except (OmegaConfBaseException, YAMLError):
                raise refuse(key, value, "can't be read as a value") from None
    checked = typed(strengths(), node | values, "regularizer")
    for name in checked.model_fields_set - {*WORKED_OUT, "layers"}:
        if getattr(checked, name):
            raise refuse(f"regularizer.{name}", getattr(checked, name), f"only {', '.join(WORKED_OUT)} by hand")
    return Penalty(checked.l1, checked.l2, checked.layers), checked.dropout


def _plain(node: Any) -> dict[str, Any]:
    found = OmegaConf.to_container(node, resolve=True)
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}
