"""What people see, on terminals of every width, without one, in any letters."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from ablate.analysis.comparison import Comparison, compare_folders
from ablate.report.terminal import show, tally
from ablate.utils.console import WIDTH, Console
from ablate.training.engine import Row
from ablate.utils.files import how_to_watch
from ablate.cli.progress import RunDisplay, SweepDisplay, summary
from test_comparison import L1, result

WIDTHS = (40, 60, 80, 120)
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
DROPOUT = {"model": {"name": "mlp", "dropout": 0.2}}
VERDICTS = ("baseline", "better", "worse", "not detected")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # where another test ran a notebook


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    """A baseline and an arm for every verdict but one; the runs of a fourth arm diverged."""
    folder = tmp_path_factory.mktemp("sweep")
    arms = {"none": (0.0, {}), "l1=1e-4": (0.02, L1), "dropout=0.2": (-0.03, DROPOUT), "lr": (0.0, {"optimizer": {}})}
    for seed in range(8):
        noise = 0.001 * (seed % 4)
        for i, (arm, (difference, changed)) in enumerate(arms.items()):
            wobble = 0.0005 * (seed % 3 - 1) * (i > 0)
            result(folder / f"{i}/{seed}", arm, seed, 0.95 + noise + difference + wobble, **changed)
    result(folder / "wild", "wild", 0, 0.0, "diverged", optimizer={"lr": 1e6})
    return compare_folders(folder)


def shown(comparison: Comparison, width: int, **how: object) -> str:
    file = Terminal()
    show(comparison, Console(file=file, width=width, **how))
    return file.getvalue()


def plain(text: str) -> str:
    return re.sub(r"\x1b(\[[0-9;?]*[a-zA-Z]|\]8;[^\x1b]*\x1b\\)", "", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_table_fits_its_terminal_and_no_figure_is_broken(comparison, width):
    text = plain(shown(comparison, width))
    assert max(map(len, text.splitlines())) <= width
    for row in comparison.arms.to_dict("records"):
        if row["n"]:
            assert f"{100 * row['mean']:.2f} ± {100 * row['sd']:.2f}" in text
        if row["pairs"] and row["arm"] != row["baseline"]:
            assert f"{100 * row['difference']:+.2f}" in text
    assert all(verdict in text for verdict in VERDICTS)
    assert not re.search(r"\d\n *%", text)
    assert "wild seed 0: diverged: loss/train is nan in epoch 3" in " ".join(text.split())


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (40, "epochs, weights <1e-3, train−test gap and could detect"),
        (60, "epochs, weights <1e-3, train−test gap and could detect"),  # in blocks, one an arm, there is room for p
        (80, "95 % interval, could detect, train−test gap, weights <1e-3 and epochs"),
        (120, "weights <1e-3"),
        (140, None),
    ],
)
def test_columns_without_room_are_named(comparison, width, left_out):
    text = " ".join(plain(shown(comparison, width)).split())
    assert ("no room here" in text) == (left_out is not None)
    assert f"· no room here for {left_out} ·" in text or left_out is None


def test_verdicts_have_colours(comparison):
    text = shown(comparison, 120)
    assert "\x1b[32mbetter" in text and "\x1b[31mworse" in text and "\x1b[2mnot detected" in text
    assert "\x1b[31mdiverged" in text


@pytest.mark.parametrize(
    ("name", "value", "colours", "escapes"),
    [("NO_COLOR", "1", False, True), ("TERM", "dumb", False, False), ("TERM", "xterm", True, True)],
)
def test_terminals_and_people_may_want_no_colours(comparison, monkeypatch, name, value, colours, escapes):
    monkeypatch.setenv(name, value)
    text = shown(comparison, 120)
    assert bool(COLOUR.search(text)) == colours
    assert ("\x1b" in text) == escapes


def test_without_a_terminal_there_are_no_escapes_no_spaces_at_the_ends_and_always_the_same_width(comparison):
    file = io.StringIO()
    console = Console(file=file)
    show(comparison, console)
    assert console.width == WIDTH and not console.is_interactive
    assert "\x1b" not in file.getvalue()
    assert not any(line.endswith(" ") for line in file.getvalue().splitlines())


def test_forced_colours_draw_no_bars_into_a_file(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file)
    console.print("worse")
    assert "\x1b[31mworse" in file.getvalue() and not console.is_interactive


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
@pytest.mark.parametrize("width", [60, 120])
def test_letters_that_the_encoding_lacks_are_spelled_in_others_and_columns_stay_below_each_other(
    comparison, encoding, width
):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width)
    show(comparison, console)
    console.open_panel("seed 0 · λ −1")
    file.flush()
    text = raw.getvalue().decode(encoding)
    sign = "+/-" if encoding == "ascii" else "±"
    lines = [line for line in text.splitlines() if re.search(rf"\d {re.escape(sign)} \d", line)]
    assert len(lines) == 4 and len({line.index(sign) for line in lines}) == 1
    assert "?" not in text and all(len(line) <= width for line in text.splitlines())


def test_what_was_typed_is_no_markup_and_no_emoji(capsys):
    Console().line_of_text("model.hidden=[64,64] [bold] :smile: a\u2028b\ud800")
    assert capsys.readouterr().out == "model.hidden=[64,64] [bold] :smile: a\u2028b?\n"


def row(epoch: int) -> Row:
    figures = {"loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 0.75, "accuracy/val": 0.625}
    return Row(0, epoch, figures, None, None, None)


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


def test_the_command_for_the_curves_can_be_typed_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert how_to_watch(Path("a b")) == "python -m ablate tensorboard 'a b'"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ablate").touch(mode=0o755)
    assert how_to_watch(tmp_path / "run") == "bin/ablate tensorboard run"
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert how_to_watch(tmp_path / "run") == "ablate tensorboard run"


def test_a_run_that_diverged_ends_with_the_reason_and_without_figures(tmp_path):
    file = Terminal()
    summary(RUN | {"status": "diverged", "error": "loss/train is nan"}, tmp_path, Console(file=file, width=80))
    assert "\x1b[31mdiverged" in file.getvalue() or "31mdiverged" in file.getvalue()
    assert "error     loss/train is nan" in plain(file.getvalue()) and "accuracy" not in file.getvalue()


def test_the_runs_of_a_sweep_are_told_by_how_they_ended():
    runs = pd.DataFrame(
        {
            "run_id": list("abcde"),
            "status": ["finished", "finished", "finished", "diverged", "failed"],
            "stopped_epoch": [None, 7, None, 3, None],
        }
    )
    assert tally(runs, set()) == "3 finished (1 of them stopped early), 1 diverged, 1 failed"
    assert tally(runs[:1], {"a", "z"}) == "1 finished; 1 reused"


def ended(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"from ablate.utils.console import leave\n{code}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_command_that_nobody_reads_ends_without_a_word():
    process = ended("leave(lambda: [print('line', flush=True) for _ in range(100_000)] and 0)")
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "line\n"
    process.stdout.close()
    assert process.stderr.read() == "" and process.wait(20) == 141
    process.stderr.close()


def test_a_command_that_is_interrupted_says_so():
    out, err = (process := ended("def command(): raise KeyboardInterrupt\nleave(command)")).communicate(timeout=20)
    assert (out, err, process.returncode) == ("", "interrupted\n", 130)


def test_what_others_print_may_have_any_letters():
    code = "import sys; sys.stdout.reconfigure(encoding='ascii', errors='strict')\nleave(lambda: print('λ') or 0)"
    assert ended(code).communicate(timeout=20) == ("?\n", "")
