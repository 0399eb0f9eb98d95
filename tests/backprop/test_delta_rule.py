"""Back-propagation by hand: the notes' values, autograd, and the formulas in numbers."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ablate.backprop import autograd, delta_rule
from ablate.backprop.delta_rule import ACTIVATIONS, Network, Pattern, Regularizer, Step
from ablate.backprop.formulas import BREAK, sections
from ablate.backprop.task import NOTES_PATTERN, NOTES_WEIGHTS, draw_masks
from helpers import EXACT

NOTES = Network(NOTES_WEIGHTS)
PATTERN = NOTES_PATTERN
ROUNDED = {
    "net3": "0.755", "y3": "0.68", "net4": "0.68", "y4": "0.6637", "net5": "0.801", "y5": "0.69",
    "δ3": "-0.00265", "δ4": "-0.0082", "new w13": "0.0991", "new w23": "0.7976", "new w14": "0.3971",
    "new w24": "0.5926", "new y5": "0.68",
}  # fmt: skip


def named(step: Step) -> dict[str, float]:
    """Every value of a step by its name."""
    return {line.name: line.value for section in sections(step) for line in section.lines}


def test_the_notes_example_is_exact():
    values = named(delta_rule.step(NOTES, PATTERN, 1.0))
    for name, exact in EXACT.items():
        assert values[name] == pytest.approx(exact, rel=0, abs=1e-12), name


def test_the_notes_roundings_are_of_these_values_and_delta5_is_of_rounded_ones():
    values = named(delta_rule.step(NOTES, PATTERN, 1.0))
    for name, text in ROUNDED.items():
        assert f"{values[name]:.{len(text.partition('.')[2])}f}" == text, name
    y = 0.69
    assert y * (1 - y) * (0.5 - y) == pytest.approx(-0.0406, abs=5e-5)
    assert round(0.3 - 0.0406 * 0.68, 4) == 0.2724 and round(0.9 - 0.0406 * 0.6637, 4) == 0.8731
    assert round(values["δ5"], 4) == -0.0407


def test_hidden_deltas_use_the_weights_from_before_the_update():
    step = delta_rule.step(NOTES, PATTERN, 1.0)
    delta5, (y3, y4) = step.deltas[1][0], step.forward.ys[0]
    assert step.deltas[0].tolist() == [y3 * (1 - y3) * 0.3 * delta5, y4 * (1 - y4) * 0.9 * delta5]
    assert step.new.weights[1][0, 0] != 0.3 == step.network.weights[1][0, 0]


@st.composite
def cases(draw):
    """A network, pattern, rate, regularizer and masks. The numbers are not rounded: no net is 0 but for rounding."""
    shape = draw(st.lists(st.integers(1, 5), min_size=2, max_size=5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    weights = tuple(rng.uniform(-1, 1, pair) for pair in pairwise(shape))
    biases = tuple(rng.uniform(-1, 1, n) for n in shape[1:]) if draw(st.booleans()) else ()
    loss, names = draw(st.sampled_from(["squared", "cross_entropy"])), st.sampled_from(sorted(ACTIVATIONS))
    output = draw(names if loss == "squared" else st.sampled_from(["sigmoid", "softmax"]))
    network = Network(weights, biases, draw(names), output, loss)
    target = rng.dirichlet(np.ones(shape[-1])) if output == "softmax" else rng.uniform(0, 1, shape[-1])
    l1, l2 = rng.uniform(0, 0.1, 2)
    p = draw(st.sampled_from([0.0, 0.2, 0.5]))
    regularizer = Regularizer(l1, l2, p, draw(st.sampled_from(["all", "hidden"])))
    masks = draw_masks(network, p, draw(st.integers(0, 99)), 1)
    return network, Pattern(rng.uniform(-1, 1, shape[0]), target), float(rng.uniform(0.01, 2)), regularizer, masks


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(cases())
def test_it_agrees_with_autograd(case):
    ours, theirs = named(delta_rule.step(*case)), named(autograd.step(*case))
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert math.isclose(value, theirs[name], rel_tol=1e-12, abs_tol=1e-12), name


@settings(deadline=None, max_examples=30)
@given(cases())
def test_gradients_are_differences_of_the_error(case):
    network, pattern, *_, masks = case
    step, small = delta_rule.step(*case), 1e-6
    k = len(network.weights) // 2

    def moved(by: float) -> float:
        weights = [w.copy() for w in network.weights]
        weights[k][0, 0] += by
        other = Network(tuple(weights), network.biases, network.activation, network.output, network.loss)
        return delta_rule.forward(other, pattern, masks).error

    slope = (moved(small) - moved(-small)) / (2 * small)
    # A kink of relu between the two is the one thing that this can't see.
    if network.activation != "relu" and network.output != "relu":
        assert step.gradients[k][0, 0] == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_l1_pulls_every_weight_alike_and_l2_in_proportion():
    plain = delta_rule.step(NOTES, PATTERN, 0.5)
    weights = np.concatenate([w.ravel() for w in NOTES.weights])
    for regularizer, pull in (
        (Regularizer(l1=0.01), -0.5 * 0.01 * np.sign(weights)),
        (Regularizer(l2=0.01), -0.01 * weights),
    ):
        step = delta_rule.step(NOTES, PATTERN, 0.5, regularizer)
        change = [a - b for a, b in zip(step.new.weights, plain.new.weights, strict=True)]
        np.testing.assert_allclose(np.concatenate([w.ravel() for w in change]), pull, rtol=1e-12)
    assert delta_rule.step(NOTES, PATTERN, 0.5, Regularizer(l1=0.01)).penalties["l1"] == pytest.approx(0.031)
    assert delta_rule.step(NOTES, PATTERN, 0.5, Regularizer(l2=0.01)).penalties["l2"] == pytest.approx(0.0207)


def test_neither_biases_nor_with_layers_hidden_the_last_kernel_are_penalised():
    network = Network(NOTES.weights, (np.array([0.5, -0.5]), np.array([0.5])))
    plain, step = (
        delta_rule.step(network, PATTERN, 1.0, p) for p in (Regularizer(), Regularizer(0.1, 0.1, layers="hidden"))
    )
    assert (step.new.weights[0] != plain.new.weights[0]).all()
    assert (step.new.weights[1] == plain.new.weights[1]).all()
    assert all((a == b).all() for a, b in zip(step.new.biases, plain.new.biases, strict=True))


def test_a_hidden_unit_that_dropout_hides_neither_speaks_nor_learns():
    step = delta_rule.step(NOTES, PATTERN, 1.0, masks=[np.array([0.0, 2.0])])
    assert step.forward.fed[1].tolist() == [0, 2 * step.forward.ys[0][1]]
    assert step.deltas[0][0] == 0
    assert (step.new.weights[0][:, 0] == NOTES.weights[0][:, 0]).all() and step.new.weights[1][0, 0] == 0.3
    assert (step.new.weights[0][:, 1] != NOTES.weights[0][:, 1]).all()
    assert step.before.error == pytest.approx(EXACT["E"])  # with all units, as a network is used


def test_a_saturated_output_still_has_its_cross_entropy():
    for output, target in (("sigmoid", [1.0, 0.0]), ("softmax", [1.0, 0.0])):
        network = Network((np.array([[-800.0, 800.0]]),), output=output, loss="cross_entropy")
        step = delta_rule.step(network, Pattern(np.array([1.0]), np.array(target)), 1.0)
        assert step.forward.error == 1600 and step.deltas[0].tolist() == [1, -1]


def test_autograd_is_only_the_check():
    code = "import sys, ablate.backprop.formulas, ablate.backprop.picture; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def worked_out(formula: str) -> float:
    """What a calculator makes of a formula as it is printed."""
    text = formula.replace(BREAK, "").replace("−", "-").replace("·", "*").replace("½", "0.5").replace("²", "**2")
    text = re.sub(r"e\^(-?[\d.]+(?:e-\d+)?)", r"exp(\1)", text)
    text = re.sub(r"ln ([\d.]+(?:e-\d+)?)", r"log(\1)", text)
    text = re.sub(r"\|([^|]*)\|", r"abs(\1)", text)
    text = re.sub(r"\[([^]]*)\]", r"float(\1)", text)
    return eval(text, {  # noqa: S307
        "exp": math.exp, "log": math.log, "tanh": math.tanh, "abs": abs, "max": max, "float": float, "sign": np.sign,
        "Φ": lambda x: (1 + math.erf(x / math.sqrt(2))) / 2,
        "φ": lambda x: math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi),
    })  # fmt: skip


@pytest.mark.slow
@settings(deadline=None, max_examples=200)
@given(cases())
def test_every_printed_formula_gives_the_printed_value(case):
    step = delta_rule.step(*case)
    assume(all(abs(net).max() < 20 for passed in (step.forward, step.after) for net in passed.nets))  # six digits of it
    for section in sections(step):
        for line in section.lines:
            assert worked_out(line.formula) == pytest.approx(line.value, rel=1e-3, abs=1e-4), line


def test_the_formulas_of_the_notes_example_read_as_in_the_notes():
    parts = sections(delta_rule.step(NOTES, PATTERN, 1.0))
    lines = {line.name: line.formula.replace(BREAK, "") for section in parts for line in section.lines}
    assert lines["net3"] == "0.35·0.1 + 0.9·0.8"
    assert lines["y3"] == "1/(1 + e^−0.755)"
    assert lines["δ3"] == "0.680267·(1 − 0.680267)·0.3·(−0.0406811)"
    assert lines["new w35"] == "0.3 − 0.027674"
