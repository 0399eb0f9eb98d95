"""A comparison on terminals of every width, without one, in any letters."""

from __future__ import annotations

import io
import re

import pytest

from ablate.analysis.comparison import Comparison, compare_folders
from ablate.report.terminal import show
from ablate.utils.console import WIDTH, Console
from helpers import BASE, L1, Terminal, plain, result

pytestmark = pytest.mark.usefixtures("terminals")

WIDTHS = (40, 60, 80, 120)
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]m")
L2 = {"regularizer": BASE["regularizer"] | {"l2": 1e-4}}
DROPOUT = {"model": {"name": "mlp", "dropout": 0.2}}
VERDICTS = ("baseline", "better", "worse", "not detected")


@pytest.fixture(scope="module")
def comparison(tmp_path_factory) -> Comparison:
    """A baseline and an arm for every verdict but one; the runs of a fourth arm diverged."""
    folder = tmp_path_factory.mktemp("sweep")
    arms = {"none": (0.0, {}), "l1=1e-4": (0.02, L1), "dropout=0.2": (-0.03, DROPOUT), "l2=1e-4": (0.0, L2)}
    for seed in range(8):
        noise = 0.001 * (seed % 4)
        for i, (arm, (difference, changed)) in enumerate(arms.items()):
            wobble = 0.0005 * (seed % 3 - 1) * (i > 0)
            result(folder / f"{i}/{seed}", arm, seed, 0.95 + noise + difference + wobble, **changed)
    result(folder / "wild", "wild", 0, 0.0, "diverged", regularizer=BASE["regularizer"] | {"hard": 1e6})
    return compare_folders(folder)


def shown(comparison: Comparison, width: int, **how: object) -> str:
    file = Terminal()
    show(comparison, Console(file=file, width=width, **how))
    return file.getvalue()


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


@pytest.mark.parametrize("width", [40, 80, 120])
def test_what_else_arms_differ_in_is_never_left_out(tmp_path, width):
    for seed in range(6):
        result(tmp_path / f"0{seed}", "none", seed, 0.95 + seed / 1000)
        other = {"model": {"name": "mlp", "dropout": 0.0, "hidden": [8]}, "trainer": {"batch_size": 8, "epochs": 3}}
        result(tmp_path / f"1{seed}", "l1=1e-4", seed, 0.96 + seed / 900, **L1 | other)
    text = plain(shown(compare_folders(tmp_path), width))
    assert max(map(len, text.splitlines())) <= width
    table = " ".join(text[: text.index("l1=1e-4 is better")].split())
    for said in ("also differs in" if width == 40 else "also", "model.hidden", "trainer.batch_size", "trainer.epochs"):
        assert said in table


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
