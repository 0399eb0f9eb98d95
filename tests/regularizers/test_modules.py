"""A regularizer's module is checked when it is loaded: what can't be right is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ablate import regularizers
from ablate.cli.main import main
from ablate.config import registration
from ablate.options.discovery import using
from ablate.regularizers import Regularizer
from ablate.utils.errors import ConfigError

pytestmark = pytest.mark.usefixtures("elsewhere")

FILE = "mine/regularizer/my.py"
PENALTY = "def penalty(weight):\n    return weight.square().sum()\n"
MASKS = "def masks(strength, random, out):\n    out.fill_(1)\n"
TAKES = "must take what"
REFUSED = {
    "a misspelt place": (
        "def penalti(weight):\n    return weight.sum()\n",
        ": penalti: must be one of ascent, average, decay, gradient, gradients, inputs, masks, outputs, penalty, "
        "project, proximal, targets (did you mean penalty?); a helper's name begins with an underscore",
    ),
    "a helper without an underscore": (f"{PENALTY}def root(x):\n    return x\n", ": root: must be one of ascent"),
    "nothing that acts": (
        "LIMITS = float\n",
        ": nothing in it acts; must define penalty(weight) or another of inputs,",
    ),
    "no function": ("penalty = 3\n", ": penalty: must be a function, penalty(weight)"),
    "too few arguments": ("def penalty():\n    return 0\n", f": penalty: {TAKES} penalty(weight) does: TypeError"),
    "too many arguments": (
        "def gradients(gradient, weight, strength, random, step):\n    return gradient\n",
        f": gradients: {TAKES} gradients(gradient, weight, strength, random) does: TypeError: missing a required",
    ),
    "a gradient of nothing": (
        "def gradient(weight):\n    return weight\n",
        ": gradient: goes with penalty(weight), which is missing",
    ),
    "a proximal operator of nothing": (
        "def proximal(weight, amount):\n    return weight\n",
        ": proximal: goes with penalty(weight), which is missing",
    ),
    "masks of no layer": (MASKS, ": masks(strength, random, out) and LAYERS, the layers that draw them, go together"),
    "masks beside another function": (
        f"LAYERS = ['a.b.C']\n{MASKS}\n\n{PENALTY}",
        ": masks: act by a model's layers, so a module with them has no other function here",
    ),
    "layers without masks": (f"LAYERS = ('torch.nn.modules.dropout.Dropout',)\n{PENALTY}", " and LAYERS, the layers"),
    "layers that are one text": (f"LAYERS = 'a.b.C'\n{MASKS}", ": LAYERS: must be a list of the full names of layers"),
    "layers that are no names": (f"LAYERS = [3]\n{MASKS}", ": LAYERS: must be a list of the full names of layers"),
    "limits that are no type": (f"LIMITS = 3\n{PENALTY}", ": LIMITS: must be a type of numbers, one that allows 0.0"),
    "limits without 0": (
        f"from pydantic import PositiveFloat\nLIMITS = PositiveFloat\n{PENALTY}",
        ": LIMITS: must be a type of numbers, one that allows 0.0",
    ),
    "a slip of the pen": ("def penalty(", ", line 1: can't be imported: SyntaxError: '(' was never closed"),
    "a name that is none": ("\nx = y\n", ", line 2: can't be imported: NameError: name 'y' is not defined"),
}


def module(content: str) -> None:
    Path(FILE).parent.mkdir(parents=True)
    Path(FILE).write_text(content)


@pytest.fixture
def loaded() -> Callable[[str], Regularizer]:
    """loaded(content): the regularizer of a module with this content."""

    def make(content: str) -> Regularizer:
        module(content)
        with using([Path("mine")]):
            return regularizers.get("my")

    return make


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_a_module_that_cannot_be_right_is_refused_in_one_line_with_its_file(loaded, content, said):
    with pytest.raises(ConfigError) as refused:
        loaded(content)
    assert str(refused.value).startswith(FILE) and said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("content", [REFUSED["a misspelt place"][0], REFUSED["masks of no layer"][0], "LIMITS = 3\n"])
@pytest.mark.parametrize("command", [["regularizer=l1"], ["-m", "seed=0,1"], ["-m", "study=regularizers"]])
def test_a_command_is_refused_with_it_even_where_it_is_not_used_and_leaves_nothing(content, command, capsys):
    module(content)
    assert main([*command, "--config-dir=mine"]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error: {FILE}: ") and shown.err.count("\n") == 1 and shown.out == ""
    assert [path.name for path in Path().iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("content", "hooks"),
    [
        (PENALTY, {"penalty"}),
        (f"{PENALTY}def _helper(x):\n    return x\nclass Table:\n    pass\n", {"penalty"}),
        ("from ablate.regularizers.l1 import gradient, penalty\n", {"penalty", "gradient"}),
        (f"from math import sqrt\nfrom ablate.utils.text import cut\n{PENALTY}", {"penalty"}),
        ("def penalty(weight, power=2):\n    return (weight ** power).sum()\n", {"penalty"}),
        ("def decay(w, a, /):\n    return w\ndef average(*each):\n    return each[0]\n", {"decay", "average"}),
        ("from torch import sum as penalty\n", {"penalty"}),  # a built-in, which doesn't tell what it takes
        (f"LAYERS = ['a.b.C']\n{MASKS}", {"masks"}),
        ("penalty = type('Sum', (), {'__call__': lambda self, weight: weight.sum()})()\n", {"penalty"}),
    ],
)
def test_what_can_act_is_a_value_with_its_functions_and_none_where_it_has_none(loaded, content, hooks):
    found = loaded(content)
    assert {hook for hook in regularizers.HOOKS if getattr(found, hook) is not None} == hooks


def test_summary_and_layers_are_the_modules(loaded):
    found = loaded(f'"""Hides\nunits."""\nLAYERS = ["a.b.C", "a.b.D"]\n{MASKS}')
    assert (found.name, found.summary, found.layers) == ("my", "Hides", ("a.b.C", "a.b.D"))


@pytest.mark.parametrize(
    ("limits", "strength", "said"),
    [
        ("", "-1", "must be greater than or equal to 0"),
        ("LIMITS = Annotated[float, Field(ge=0, lt=1)]", "1", "must be less than 1"),
        ("LIMITS = Annotated[float, Field(ge=-1)]", "-2", "must be greater than or equal to -1"),
        ("LIMITS = Annotated[float, Field(ge=-1)]", "nan", "must be a finite number"),
    ],
)
def test_a_strength_out_of_limits_is_refused(limits, strength, said, capsys):
    module(f"from typing import Annotated\nfrom pydantic import Field\n{limits}\n{PENALTY}")
    assert main(["--config-dir=mine", f"regularizer.my={strength}"]) == 2
    assert capsys.readouterr().err == f"error: regularizer.my={strength}: {said}\n"
    registration.register()


def test_the_masks_of_a_layer_are_found_by_its_full_name_and_no_other(loaded):
    from torch import nn

    assert regularizers.of_layer(nn.Dropout2d(0.1)) is regularizers.get("dropout")
    assert regularizers.of_layer(type("Dropout", (nn.Dropout,), {})(0.1)) is None
    assert regularizers.of_layer(nn.Linear(2, 2)) is None
    assert "dropout" not in regularizers.acting() and set(regularizers.acting()) < set(regularizers.names())
