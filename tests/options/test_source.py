"""What code says: comments, docstrings and formatting apart."""

from __future__ import annotations

import pytest

from ablate.options.source import of_function, of_module

PENALTY = '''\
"""L1, three times."""
import math
from . import _helper  # beside it


def penalty(weight, scale=3.0):
    """The penalty."""
    return scale * weight.abs().sum() + math.pi * 0
'''


def digest(text: str) -> str:
    return of_module(text, "ablate.regularizers").digest


SAME = {
    "a comment": PENALTY.replace("    return", "    # why\n    return"),
    "no docstrings": PENALTY.replace('"""L1, three times."""\n', "").replace('    """The penalty."""\n', ""),
    "a text by itself": PENALTY + '\n"""The end."""\n',
    "line breaks": PENALTY.replace("scale * ", "(\n        scale\n        * ").replace(".sum()", ".sum())"),
    "quotes and blanks": PENALTY.replace("scale=3.0", "scale = 3.0").replace("3.0", "3.00"),
}
OTHER = {
    "a number": PENALTY.replace("3.0", "1.0"),
    "its type": PENALTY.replace("3.0", "3"),
    "its sign": PENALTY.replace("3.0", "-3.0"),
    "an operation": PENALTY.replace("+ math", "- math"),
    "a method": PENALTY.replace(".abs()", ".square()"),
    "a name": PENALTY.replace("scale", "size"),
    "brackets that count": PENALTY.replace("weight.abs().sum() + math.pi", "(weight.abs().sum() + math.pi)"),
    "a default that is gone": PENALTY.replace("=3.0", ""),
    "an import": PENALTY.replace("_helper", "_other"),
    "a decorator": PENALTY.replace("def penalty", "@staticmethod\ndef penalty"),
}


@pytest.mark.parametrize("what", SAME)
def test_what_says_the_same_has_the_same_digest(what):
    assert SAME[what] != PENALTY and digest(SAME[what]) == digest(PENALTY)


@pytest.mark.parametrize("what", OTHER)
def test_what_says_something_else_has_another(what):
    assert OTHER[what] != PENALTY and digest(OTHER[what]) != digest(PENALTY)


def test_a_digest_is_the_same_in_every_version_of_python():
    text = "def f(x, *y: int, **z):\n    return f'{x!r:>{3}} a' if x is None else {**z, 'b': [1j, b'c', ..., *y]}\n"
    assert digest(text) == "d939ebe69a3369dd"


def test_a_long_expression_is_not_too_deep():
    assert digest(" + ".join(["1"] * 900)) != digest(" + ".join(["1"] * 901))


def test_imports_are_named_in_full_wherever_they_stand():
    text = (
        "from . import a\nfrom ..data.b import c as d\nimport e.f\ndef g():\n    from h import i\nfrom ..... import j\n"
    )
    found = of_module(text, "ablate.models").imports
    assert found == ("ablate.models", "ablate.models.a", "ablate.data.b", "ablate.data.b.c", "e.f", "h", "h.i")


RULES = """\
from rules import adam, sgd as _sgd
SIZE = 3
def _half(x): return x / SIZE
def step(x): return _half(x)
def other(x): return _sgd(x)
"""


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("SIZE = 3", "SIZE = 2", {"step"}),
        ("/ SIZE", "* SIZE", {"step"}),
        ("_half(x)\ndef other", "-_half(x)\ndef other", {"step"}),
        ("rules", "laws", {"other"}),
        ("sgd as", "rmsprop as", {"other"}),
        ("adam, ", "adam, keras, ", set()),
        ("def other", "def third(x): return 3\ndef other", set()),
    ],
)
def test_of_a_function_counts_what_it_names(old, new, changes):
    text = RULES.replace(old, new)
    assert text != RULES
    assert {name for name in ("step", "other") if of_function(text, name) != of_function(RULES, name)} == changes
