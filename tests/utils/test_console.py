"""What people see, on terminals of every width, without one, in any letters."""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys

import pytest

from ablate.utils.console import Console

pytestmark = pytest.mark.usefixtures("terminals")


def test_forced_colours_draw_no_bars_into_a_file(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    console = Console(file=file)
    console.print("worse")
    assert "\x1b[31mworse" in file.getvalue() and not console.is_interactive


def test_what_was_typed_is_no_markup_and_no_emoji(capsys):
    Console().line_of_text("model.hidden=[64,64] [bold] :smile: a\u2028b\ud800")
    assert capsys.readouterr().out == "model.hidden=[64,64] [bold] :smile: a\\u2028b\\ud800\n"


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


def test_libraries_that_count_their_objects_have_nothing_to_say_in_the_end():
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    code = (
        "import atexit, gc, triton._C.libtriton\n"
        "def command():\n"
        "    gc.freeze()\n"
        "    print('done')\n"
        "    atexit.register(print, 'and this')\n"
        "    return 3\n"
        "leave(command)"
    )
    out, err = (process := ended(code)).communicate(timeout=60)
    assert (out, err, process.returncode) == ("done\nand this\n", "", 3)


def test_what_others_print_may_have_any_letters():
    code = "import sys; sys.stdout.reconfigure(encoding='ascii', errors='strict')\nleave(lambda: print('λ') or 0)"
    assert ended(code).communicate(timeout=20) == ("?\n", "")
