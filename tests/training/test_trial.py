"""Every function of a regularizer is tried before training: what it raises, or gives wrongly, is said in one line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate import regularizers
from ablate.options.discovery import using
from ablate.training import trial
from ablate.utils.errors import ConfigError
from helpers import ROOT

pytestmark = pytest.mark.usefixtures("elsewhere")

FILE = Path("mine/regularizer/my.py")
OWN = ROOT / "tests" / "regularizers" / "own"
IMAGES = ((1, 8, 8), 10)


@pytest.fixture
def tried():
    """tried(content): the trial of a module with this content, for images and ten classes."""

    def make(content: str) -> None:
        FILE.parent.mkdir(parents=True)
        FILE.write_text(content)
        with using([Path("mine")]):
            trial.fits("my", 0.5, *IMAGES)

    return make


@pytest.fixture
def own() -> Iterator[None]:
    with using([OWN]):
        yield


@pytest.mark.parametrize("data", [IMAGES, ((10,), 1)])
@pytest.mark.parametrize("name", sorted(path.stem for path in (OWN / "regularizer").glob("*.py")))
def test_what_works_in_training_passes(own, name, data):
    assert name in regularizers.names()
    trial.fits(name, 0.5, *data)


HEAD = {hook: f"def {hook}({', '.join(names)}):\n    " for hook, names in regularizers.HOOKS.items()}
PENALTY = "def penalty(weight):\n    return weight.sum()\n"
LAYERS = "LAYERS = ['a.b.C']\n"


def of_shape(*shape: int) -> str:
    return f"a tensor of shape {list(shape)}"


ROWS, LOGITS, SAMPLES = of_shape(2, 128), of_shape(2, 10, 3), of_shape(2, 3, 1, 8, 8)
# What a function does, what it must return, and what it returned.
WRONG = {
    "penalty": ("return weight.sum(1)", "one number, as a tensor", of_shape(8)),
    "penalty, a float": ("return 0.5", "one number, as a tensor", "0.5, no tensor"),
    "gradient": ("return weight.sum()", ROWS, of_shape()),
    "proximal": ("pass", ROWS, "None, no tensor"),
    "decay": ("return weight[:1]", ROWS, of_shape(1, 128)),
    "gradients": ("return gradient, weight", ROWS, f"{ROWS} and {ROWS}"),
    "ascent": ("return strength", ROWS, of_shape(2, 1)),
    "average": ("return step", ROWS, "1, no tensor"),
    "project": ("return weight.t()", of_shape(8, 16), of_shape(16, 8)),
    "targets": ("return y[:, :1]", LOGITS, of_shape(2, 1, 3)),
    "outputs": ("return logits.sum()", LOGITS, of_shape()),
    "inputs": ("return x", f"{SAMPLES} and {LOGITS}", SAMPLES),
    "inputs, swapped": ("return y, x", f"{SAMPLES} and {LOGITS}", f"{LOGITS} and {SAMPLES}"),
    "masks": ("out.fill_(float('nan'))", "nothing, and fill out with finite numbers", "None, no tensor"),
}


def module(hook: str, body: str) -> str:
    """A module with one function, and what goes with it."""
    return {"masks": LAYERS}.get(hook, PENALTY * (hook in regularizers.OF_A_PENALTY)) + HEAD[hook] + body


def test_every_place_is_among_them():
    assert {name.partition(",")[0] for name in WRONG} == set(regularizers.HOOKS)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_given_wrongly_is_said_with_what_it_should_be(tried, name):
    body, expected, returned = WRONG[name]
    hook = name.partition(",")[0]
    with pytest.raises(ConfigError) as refused:
        tried(module(hook, body))
    said = f"regularizer.my: {hook}({', '.join(regularizers.HOOKS[hook])}) in {FILE}"
    assert str(refused.value) == f"{said} must return {expected}; it returned {returned}"


@pytest.mark.parametrize("hook", regularizers.HOOKS)
def test_what_a_function_raises_is_said_with_its_line(tried, hook):
    content = module(hook, "raise ValueError('this\\nand that')")
    line = content.count("\n") + 1
    with pytest.raises(ConfigError) as refused:
        tried(content)
    signature = f"{hook}({', '.join(regularizers.HOOKS[hook])})"
    assert str(refused.value) == f"regularizer.my: {signature} in {FILE}, line {line} fails: ValueError: this and that"


def test_a_penalty_that_cannot_be_mapped_over_the_runs_is_said_before_training(tried):
    with pytest.raises(ConfigError, match=rf"penalty\(.*\) in {FILE}, line \d fails: RuntimeError: vmap: .*-dependent"):
        tried(module("penalty", "return weight.sum() if weight.sum() > 0 else 0 * weight.sum()"))


def test_a_projection_may_look_at_values(tried):
    tried(module("project", "return weight / weight.norm() if weight.norm() > strength else weight"))


# What can be seen in no shape.
FAULTY = {
    "a penalty that autograd can't follow": (
        "import torch\n\n\ndef penalty(weight):\n    return weight.detach().sum()\n",
        "fails: RuntimeError: .*does not require grad",
    ),
    "one run's numbers in another's": (
        HEAD["gradients"] + "return gradient / gradient.norm()\n",
        "must take every run by itself; what it gives one depends on others",
    ),
    "masks of all runs from the first one's": (
        LAYERS + HEAD["masks"] + "out.copy_(out.cumsum(0) * strength.sum())\n",
        "must take every run by itself",
    ),
    "an argument that is changed": (HEAD["decay"] + "return weight.mul_(0.5)\n", "must not change weight"),
    "another gradient than the penalty's": (
        PENALTY + HEAD["gradient"] + "return 2 * weight\n",
        "is not the gradient of penalty, element by element; without one, autograd is asked",
    ),
    "a gradient that is infinite at 0": (
        HEAD["penalty"] + "return weight.abs().sqrt().sum()\n\n\n"
        + HEAD["gradient"] + "return 0.5 * weight.sign() / weight.abs().sqrt()\n",
        "must be finite where a weight is 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTY)
def test_what_no_shape_shows_is_said_too(tried, what):
    content, said = FAULTY[what]
    with pytest.raises(ConfigError, match=said) as refused:
        tried(content)
    assert str(FILE) in str(refused.value) and "\n" not in str(refused.value)


def test_a_penalty_is_tried_on_kernels_of_every_number_of_dimensions():
    FILE.parent.mkdir(parents=True)
    FILE.write_text("def penalty(weight):\n    rows, columns = weight.shape\n    return weight.sum()\n")
    with using([Path("mine")]):
        trial.fits("my", 0.5, *IMAGES, kernels=[(10, 64)])
        with pytest.raises(ConfigError, match=r"penalty\(weight\) in .*, line 2 fails: ValueError: too many values"):
            trial.fits("my", 0.5, *IMAGES, kernels=[(10, 64), (6, 1, 5, 5)])
