"""What people see while runs train, and when one ends."""

from __future__ import annotations

import io
import re

import pytest

from ablate.cli.progress import RunDisplay, SweepDisplay, summary
from ablate.training.engine import Row
from ablate.utils.console import Console
from helpers import Terminal, plain

pytestmark = pytest.mark.usefixtures("terminals")


def row(epoch: int) -> Row:
    figures = {"loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 0.75, "accuracy/val": 0.625}
    return Row(0, epoch, figures, None, None, None)


WIDTHS = (40, 60, 80, 120)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_bar_has_room_and_is_gone_in_the_end(configured, width):
    file = Terminal()
    with RunDisplay(configured("trainer.epochs=20"), Console(file=file, width=width)) as display:
        display([(0, row(10))])
        display.bar.refresh()
    drawn = [line for line in re.split(r"[\r\n]+", plain(file.getvalue())) if line.strip()]
    assert any("epoch 10/20" in line for line in drawn) and max(map(len, drawn)) <= width
    assert ("val accuracy 62.50 %" in drawn[-1]) == (width != 60)  # the bar has its room there
    assert ("━" in drawn[-1]) == (width > 40)
    assert file.getvalue().endswith("\x1b[2K")  # its line is cleared


@pytest.mark.parametrize("width", WIDTHS)
def test_a_sweep_has_one_bar(configured, width):
    file = Terminal()
    with SweepDisplay([configured("regularizer=l1", "trainer.epochs=20")], Console(file=file, width=width)) as display:
        display.rows([(0, row(10))])
        display.bar.refresh()
    drawn = [line for line in re.split(r"[\r\n]+", plain(file.getvalue())) if line.strip()]
    assert "0/1 runs" in drawn[-1] and max(map(len, drawn)) <= width


def test_without_a_terminal_there_are_lines_and_no_bar(configured):
    file = io.StringIO()
    with RunDisplay(configured("trainer.epochs=20"), Console(file=file)) as display:
        for epoch in range(1, 21):
            display([(0, row(epoch))])
    lines = file.getvalue().splitlines()
    assert len(lines) == 10 and lines[0].startswith("epoch  2/20  loss 0.2500 val 0.5000") and "\x1b" not in lines[0]


def test_without_a_terminal_a_long_sweep_has_few_lines(configured, monkeypatch):
    clock, file = iter(range(100_000)), io.StringIO()  # a row a second
    monkeypatch.setattr("ablate.cli.progress.time.monotonic", lambda: float(next(clock)))
    config = configured("trainer.epochs=36000")
    with SweepDisplay([config], Console(file=file)) as display:
        for epoch in range(1, 36_001):  # ten hours
            display.rows([(0, row(epoch))])
    assert 60 <= len(file.getvalue().splitlines()) <= 100


RUN = {
    "arm": "l1=3e-4", "seed": 3, "status": "finished", "epochs": 17, "best_epoch": 12, "seconds": 1.234, "error": None,
    "stopping_reason": "loss/val had not improved for 5 epochs",
    "config": {"early_stopping": {"restore_best_weights": True}},
    "metrics": {f"{name}/{part}": 0.5 for name in ("accuracy", "loss") for part in ("train", "val", "test")}
    | {"penalty": 0.125},
    "weights": {"near_zeros": 0.25, "zeros": 0.0},
}  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_ends_with_its_figures_why_it_ended_and_where_things_are(tmp_path, width):
    file = Terminal()
    summary(RUN, tmp_path / "run", Console(file=file, width=width))
    text = plain(file.getvalue())
    assert text.split("\n")[1].startswith("l1=3e-4 · seed 3 · finished ──")
    assert re.search(r"^accuracy +50\.00 % +50\.00 % +50\.00 %$", text, re.M)
    assert re.search(r"^loss +0\.5000 +0\.5000 +0\.5000$", text, re.M)
    told = " ".join(text.split())
    assert "ended after 17 epochs, 1.23 s: loss/val had not improved for 5 epochs kept the weights of epoch 12" in told
    assert f"files     {tmp_path / 'run'}\n" in text  # in one piece, to be copied
    assert re.search(rf"^curves    \S*ablate tensorboard {re.escape(str(tmp_path / 'run'))}$", text, re.M)


def test_a_run_that_diverged_ends_with_the_reason_and_without_figures(tmp_path):
    file = Terminal()
    summary(RUN | {"status": "diverged", "error": "loss/train is nan"}, tmp_path, Console(file=file, width=80))
    assert "\x1b[31mdiverged" in file.getvalue() or "31mdiverged" in file.getvalue()
    assert "error     loss/train is nan" in plain(file.getvalue()) and "accuracy" not in file.getvalue()
