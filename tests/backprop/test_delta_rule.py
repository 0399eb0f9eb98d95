"""Back-propagation by hand: the notes' values, autograd, the formulas in numbers, and the command."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablate.backprop import autograd, delta_rule, picture
from ablate.backprop.command import main
from ablate.backprop.delta_rule import ACTIVATIONS, Network, Pattern, Regularizer, Step
from ablate.backprop.formulas import BREAK, sections
from ablate.backprop.task import NOTES_PATTERN, NOTES_WEIGHTS, draw_masks, random_network, read

DOCS = Path(__file__).parents[1] / "docs"
NOTES = Network(NOTES_WEIGHTS)
PATTERN = NOTES_PATTERN

# The notes' example, worked out with 15 decimals.
EXACT = {
    "net3": 0.755, "y3": 0.680267196698649,
    "net4": 0.68, "y4": 0.663738697404353,
    "net5": 0.801444986673512, "y5": 0.690283492907644,
    "δ5": -0.040681125112339, "δ3": -0.002654489030885, "δ4": -0.008171645064130,
    "new w35": 0.272325965061282, "new w45": 0.872998363008993,
    "new w13": 0.099070928839190, "new w23": 0.797610959872204,
    "new w14": 0.397139924227555, "new w24": 0.592645519442283,
    "new y5": 0.682018583264294,
    "E": 0.018103903836567, "new E": 0.016565382326770,
}  # fmt: skip
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


def test_masks_are_drawn_from_the_seed_anew_for_each_update():
    network = random_network([2, 200, 1], 0)
    ((first,), (again,), (other,)) = (draw_masks(network, 0.2, 3, number) for number in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    assert set(first.tolist()) == {0, 1.25} and 0.1 < (first == 0).mean() < 0.3


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


def printed(capsys, *arguments: str) -> str:
    """What the command prints, having succeeded."""
    status = main(arguments)
    out, err = capsys.readouterr()
    assert (status, err) == (0, "")
    return out


def test_the_command_prints_every_value_beside_autograds(capsys):
    lines = printed(capsys).splitlines()
    for name, exact in EXACT.items():
        first = next(i for i, line in enumerate(lines) if re.match(rf"{name} += [^Σ]*$", line) and "Σ" not in line)
        found = next(line for line in lines[first:] if re.search(r" = +−?[\d.]+ +−?[\d.]+ +\S+$", line))
        *_, ours, theirs, difference = found.replace("−", "-").split()
        assert float(ours) == pytest.approx(exact, abs=1e-12) and float(theirs) == pytest.approx(exact, abs=1e-12)
        assert float(difference) < 1e-12


SHOWN = (
    (),
    ("--steps", "3"),
    ("--steps", "2", "--full", "--bias"),
    ("regularizer=elastic_net", "regularizer.dropout=0.5"),
    ("--network", "2-3-2", "--seed", "1", "--activation", "tanh", "--loss", "cross_entropy", "--bias"),
    ("--network", "6-6-6", "--activation", "gelu", "--steps", "2", "regularizer=l1"),
    ("--network", "3-2", "--loss", "cross_entropy", "--output", "sigmoid", "--input", "-1,2e-7,1e9"),
    ("--network", "1-1-1", "--activation", "relu", "--output", "linear", "--rate", "0.1"),
)


@pytest.mark.parametrize("arguments", SHOWN, ids=" ".join)
def test_it_prints_no_colours_and_keeps_to_80_columns_without_a_terminal(arguments, capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    out = printed(capsys, *arguments)
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert not [line for line in out.splitlines() if line != line.rstrip()]
    assert "nan" not in out and "−0 " not in out


def test_steps_go_on_from_the_new_weights(capsys):
    network = NOTES
    for _ in range(5):
        network = delta_rule.step(network, PATTERN, 1.0).new
    error = delta_rule.forward(network, PATTERN).error
    *_, last = printed(capsys, "--steps", "5").splitlines()
    assert last.split()[:2] == ["5", f"{error:.9f}"]
    assert printed(capsys, "--steps", "5", "--full").count("new w35 ") == 5


def test_a_penalty_has_lines_of_its_own(capsys):
    out = printed(capsys, "regularizer=l1", "regularizer.l1=0.01", "regularizer.l2=0.1")
    assert re.search(r"L1 w13 +\S+ +−1·0.01·sign\(0.1\) +\S+ +−0.01 ", out)
    assert re.search(r"L2 w13 +\S+ +−1·2·0.1·0.1 +\S+ +−0.02 ", out)


def test_the_same_seed_gives_the_same_and_options_leave_each_others_numbers_alone():
    plain, again, biased = (read(["--network", "2-3-2", "--seed", "1", *more]) for more in ([], [], ["--bias"]))
    other = read(["--network", "2-3-2", "--seed", "2"])
    for task in (again, biased):
        assert all((a == b).all() for a, b in zip(plain.network.weights, task.network.weights, strict=True))
        assert (plain.pattern.x == task.pattern.x).all() and (plain.pattern.target == task.pattern.target).all()
    assert (plain.network.weights[0] != other.network.weights[0]).any()


def test_cross_entropy_goes_with_softmax_or_with_sigmoid():
    for arguments, output, total in (
        (["--network", "2-3-3"], "softmax", 1),
        (["--network", "2-3-1"], "sigmoid", None),
        (["--network", "2-3-3", "--output", "sigmoid"], "sigmoid", None),
    ):
        task = read([*arguments, "--loss", "cross_entropy"])
        assert task.network.output == output and task.network.activation == "sigmoid"
        assert set(task.pattern.target) <= {0, 1} and total in (None, task.pattern.target.sum())


def test_regularizers_are_those_of_the_config_in_any_order():
    task = read(["regularizer.l1=0.5", "--steps", "2", "regularizer=dropout", "regularizer.layers=hidden"])
    assert task.regularizer == Regularizer(0.5, 0.0, 0.2, "hidden") and task.steps == 2
    assert read(["--input", "-1,-.5"]).pattern.x.tolist() == [-1, -0.5]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--network 2", "--network=2: must be two or more layers' units, like 2-2-1"),
        ("--network 2-x", "--network=2-x: must be two or more"),
        ("--network 2-0-1", "--network=2-0-1: must be two or more"),
        ("--network 999-999", "--network=999-999: must have 10000 weights at most"),
        (f"--network {'9' * 5000}-2", "must be two or more"),
        ("--activation sigmod", "--activation=sigmod: must be one of gelu, linear, relu, sigmoid, tanh (did you mean"),
        ("--loss mse", "--loss=mse: must be one of cross_entropy, squared"),
        ("--output softmax", "--output=softmax: --loss=squared goes with sigmoid, tanh, relu, gelu, linear"),
        (
            "--loss cross_entropy --output tanh",
            "--output=tanh: with one output unit --loss=cross_entropy goes with sig",
        ),
        ("--input 1", "--input=1: must be 2 finite numbers"),
        ("--input 1,nan", "--input=1,nan: must be 2 finite numbers"),
        ("--input -1,x", "--input=-1,x: must be 2 finite numbers"),
        ("--target 1,2", "--target=1,2: must be one finite number"),
        ("--target 1.5 --loss cross_entropy", "--target=1.5: must be from 0 to 1 with --loss=cross_entropy"),
        ("--network 2-2 --target 1,1 --loss cross_entropy", "--target=1,1: must add up to 1 with --output=softmax"),
        ("--rate -1", "--rate=-1: must be a number greater than 0"),
        ("--rate inf", "--rate=inf: must be a number greater than 0"),
        ("--steps 0", "--steps=0: must be a whole number, 1 or more"),
        ("--steps", "--steps: expected one argument"),
        ("--seed -1", "--seed=-1: must be a whole number, 0 or more"),
        ("--sede 1", "--sede: no such option; must be one of --activation,"),
        ("regularizer=l3", "regularizer=l3: must be one of dropout, elastic_net, l1, l1_proximal, l2, none"),
        ("regularizer.dropout=1", "regularizer.dropout=1: must be less than 1"),
        ("regularizer.l1=-1", "regularizer.l1=-1: must be greater than or equal to 0"),
        ("regularizer.l1=nan", "regularizer.l1=nan: must be a"),
        ("regularizer.l1=[1", "regularizer.l1=[1: can't be read as a value"),
        ("regularizer.l3=1", "regularizer.l3: no such key; must be one of dropout, l1, l1_proximal, l2, layers"),
        ("model.hidden=3", "model.hidden=3: must be an option, or regularizer="),
        ("--svg .", "--svg=.: is a folder; must be a file"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, said, capsys):
    assert main(arguments.split()) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: ") and said in err and err.count("\n") == 1


def test_numbers_that_grow_beyond_all_bounds_are_said(capsys):
    arguments = ["--network", "2-3-1", "--activation", "linear", "--rate", "1e6", "--steps", "99"]
    assert main(arguments) == 1
    assert re.fullmatch(r"error: update \d+: its values grew beyond all numbers; .*\n", capsys.readouterr().err)


def test_it_runs_as_a_module_without_traceback():
    for argument, status in (("--help", 0), ("--steps=x", 2)):
        command = [sys.executable, "-m", "ablate.backprop", argument]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == status and "Traceback" not in done.stderr


def test_tensorboard_shows_error_weights_gradients_and_deltas_of_each_step(tmp_path, capsys):
    printed(capsys, "--steps", "4")
    out = printed(capsys, "--steps", "3", "regularizer.l1=0.01", "--tensorboard", str(tmp_path / "run"))
    assert f"ablate tensorboard {tmp_path / 'run'}" in out.replace("\n", "")
    events = EventAccumulator(str(tmp_path / "run"))
    events.Reload()
    network, expected = NOTES, []
    for _ in range(3):
        step = delta_rule.step(network, PATTERN, 1.0, Regularizer(l1=0.01))
        expected.append(step)
        network = step.new

    def read_back(tag: str) -> tuple[list[int], list[float]]:
        found = events.Scalars(tag)
        return [event.step for event in found], [event.value for event in found]

    steps, errors = read_back("error")
    assert steps == [0, 1, 2, 3]
    assert errors == pytest.approx([*(s.before.error for s in expected), expected[-1].after.error])
    assert read_back("weights/w13")[1] == pytest.approx([0.1, *(s.new.weights[0][0, 0] for s in expected)])
    assert read_back("gradients/w45") == ([0, 1, 2], pytest.approx([s.gradients[1][1, 0] for s in expected]))
    assert read_back("deltas/delta5") == ([0, 1, 2], pytest.approx([s.deltas[1][0] for s in expected]))
    assert read_back("penalty")[1][0] == pytest.approx(0.031)
    assert set(events.Tags()["scalars"]) >= {"objective", "outputs/y5", "deltas/delta3", "gradients/w24"}


SVG = "{http://www.w3.org/2000/svg}"


def drawn(*arguments: str) -> ElementTree.Element:
    """The picture of the first step, parsed."""
    task = read(arguments)
    masks = draw_masks(task.network, task.regularizer.dropout, task.seed, 1)
    step = delta_rule.step(task.network, task.pattern, task.rate, task.regularizer, masks)
    return ElementTree.fromstring(picture.draw(step, 1))  # noqa: S314


def texts(svg: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in svg.iter(f"{SVG}text")]


def test_the_picture_holds_the_values_of_units_and_edges():
    found = texts(drawn())
    assert {"1", "0.35", "5", "0.6903", "net 0.755", "δ −0.002654", "t 0.5", "w13 0.1", "∂ 0.0009291"} <= set(found)
    assert {"b 0", "net 0.68"} <= set(texts(drawn("--bias")))


def test_the_picture_has_a_title_both_schemes_and_shows_what_dropout_hides():
    svg = drawn("--network", "2-6-2", "regularizer.dropout=0.5")
    assert svg.findtext(f"{SVG}title") == "Back-propagation, 2-6-2, update 1"
    assert "prefers-color-scheme: dark" in (svg.findtext(f"{SVG}style") or "")
    kinds = [circle.get("class") for circle in svg.iter(f"{SVG}circle")]
    assert kinds.count("dropped") == texts(svg).count("m 0") > 0


@pytest.mark.parametrize("shape", ["2-2-1", "3-1-3", "2-3-2", "6-6-6", "6-1", "5-6-3-2"])
def test_no_label_covers_another_or_a_unit_and_all_is_on_the_paper(shape):
    svg = drawn("--network", shape)
    _, *labels = svg.iter(f"{SVG}rect")
    boxes = [[float(label.get(name, 0)) for name in ("x", "y", "width", "height")] for label in labels]
    circles = [[float(circle.get(name, 0)) for name in ("cx", "cy", "r")] for circle in svg.iter(f"{SVG}circle")]
    boxes += [[x - r, y - r, 2 * r, 2 * r] for x, y, r in circles]
    for (x, y, w, h), (left, top, wide, high) in combinations(boxes, 2):
        assert x + w <= left + 1 or left + wide <= x + 1 or y + h <= top + 1 or top + high <= y + 1
    _, _, width, height = (float(v) for v in svg.get("viewBox", "").split())
    assert all(x > 0 and y > 0 and x + w < width and y + h < height for x, y, w, h in boxes)


def without_differences(text: str) -> str:
    """The last bits are the processor's."""
    return re.sub(r" +(0|diff|\d+e-\d+)$", "", text, flags=re.M)


def test_the_page_shows_what_the_commands_print_and_draw(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "backprop.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(console|text)\n(.*?)```", page, re.S)
    assert len(blocks) >= 12
    for kind, text in blocks:
        if kind == "console":
            out = without_differences(printed(capsys, *text.removeprefix("$ python -m ablate.backprop").split()))
        for part in text.split("…\n") if kind == "text" else ():
            assert without_differences(part).strip() in out
    printed(capsys, "--svg", "backprop.svg")
    assert Path("backprop.svg").read_text("utf-8") == (DOCS / "images" / "backprop.svg").read_text("utf-8")
