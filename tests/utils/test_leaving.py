"""How a process ends that a command has for itself: exit statuses, and last words."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

import pytest


def ended(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", f"from ablate.utils.leaving import leave\n{code}"],
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


@pytest.mark.parametrize("closed", [True, False])
def test_only_of_a_closed_standard_output_one_may_be_silent(closed):
    code = "import os\nr, w = os.pipe()\nos.close(r)\nleave(lambda: os.write(w, b'x'))"
    process = ended(code)
    if closed:
        process.stdout.close()
        process.stdout = None
    _, err = process.communicate(timeout=20)
    said = ("", 141) if closed else ("error: BrokenPipeError: [Errno 32] Broken pipe\n", 1)
    assert (err, process.returncode) == said


SPEAKING = """
import sys
from ablate.utils.console import complain
from ablate.utils.leaving import leave
def command():
    print("printed")
    complain("complained")
    sys.stdin.read()
    with open(sys.argv[1], "w") as file:
        file.write(str(file.fileno()))
    return 3
leave(command)
"""


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_lead_nowhere(tmp_path, closed):
    file, command = tmp_path / "file", f'exec "$0" -c "$1" "$2" {closed}'
    shell = ["sh", "-c", command, sys.executable, SPEAKING, str(file)]
    done = subprocess.run(shell, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 3 and file.read_text() not in ("0", "1", "2")
    assert done.stdout == (b"" if ">&-" in closed.split() else b"printed\n")
    assert done.stderr == (b"" if "2>&-" in closed.split() else b"complained\n")
