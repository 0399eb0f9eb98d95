"""`python -m ablate.backprop`: what it prints, draws and shows in TensorBoard."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablate.backprop import delta_rule
from ablate.backprop.command import main
from ablate.backprop.delta_rule import Network, Regularizer
from ablate.backprop.task import NOTES_PATTERN, NOTES_WEIGHTS
from helpers import EXACT, ROOT

DOCS = ROOT / "docs"
NOTES = Network(NOTES_WEIGHTS)
PATTERN = NOTES_PATTERN


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
