"""`python -m ablate tensorboard`: which folder, in which colours, and a server that starts and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import tensorboard as installed

from ablate.cli import tensorboard
from ablate.cli.main import main
from ablate.utils.errors import ConfigError

EVENTS = "events.out.tfevents.1.host.2.0"


pytestmark = pytest.mark.usefixtures("elsewhere")


def touch(path: str, time: float) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).touch()
    os.utime(path, (time, time))


def outputs() -> Path:
    """A study of two runs, a sweep and a single run, the study's events being the newest."""
    touch("outputs/studies/mine/multirun.yaml", 1)
    touch(f"outputs/studies/mine/none/seed=0/{EVENTS}", 2)
    touch(f"outputs/studies/mine/l1/seed=0/{EVENTS}", 50)
    touch("outputs/sweeps/day/time/multirun.yaml", 30)
    touch(f"outputs/sweeps/day/time/none/seed=0/{EVENTS}", 40)
    touch(f"outputs/runs/day/time/{EVENTS}", 45)
    touch("outputs/comparison.csv", 55)
    touch("outputs/studies/comparison/multirun.yaml", 1)
    return Path("outputs")


@pytest.mark.parametrize(
    ("touched", "chosen"),
    [
        (None, "studies/mine"),
        (f"sweeps/day/time/none/seed=0/{EVENTS}", "sweeps/day/time"),
        ("sweeps/day/time/multirun.yaml", "sweeps/day/time"),  # all of its runs were there already
        (f"runs/day/time/{EVENTS}", "runs/day/time"),
        ("studies/empty/multirun.yaml", "studies/mine"),  # nothing to see there
        (f"comparison/none/{EVENTS}", "studies/mine"),  # of a table of everything
        (f"studies/comparison/none/seed=0/{EVENTS}", "studies/comparison"),  # a study of that name
    ],
)
def test_the_study_sweep_or_run_of_the_last_work_is_shown(touched, chosen):
    folder = outputs()
    if touched:
        touch(f"outputs/{touched}", 60)
    assert tensorboard.last(folder) == folder / chosen


def test_runs_have_tensorboards_names():
    assert tensorboard.runs(outputs() / "studies/mine") == ["l1/seed=0", "none/seed=0"]
    assert tensorboard.runs(Path("outputs/runs/day/time")) == ["."]


@pytest.mark.parametrize(
    ("names", "arms"),
    [
        (["l1=1e-4/seed=0", "l1=1e-4/seed=10", "none/seed=0"], 2),
        (["dataset.split_seed=3,seed=1/seed=0", "dataset.split_seed=4,seed=1/seed=0"], 2),  # not cut at the first seed=
        (["l1/seed=0", "l1/seed=0-0123456789ab"], 1),  # a run that gave way to another
        (["studies/a/l1/seed=0", "sweeps/b/l1/seed=0", "runs/c"], 3),  # opened on all of outputs/
        (["."], 1),
    ],
)
def test_what_is_before_the_seed_is_the_arm(names, arms):
    assert len(tensorboard.arms(names)) == arms


def test_the_view_asks_for_a_colour_an_arm_and_for_curves_as_they_are():
    asked = {key: value for key, (value,) in parse_qs(tensorboard.view()).items()}
    assert asked["runColorGroup"] == f"regex:{tensorboard.ARM}" and asked["smoothing"] == "0"
    assert [card["tag"] for card in json.loads(asked["pinnedCards"])] == ["accuracy/val", "loss/val"]
    with zipfile.ZipFile(Path(installed.__file__).with_name("webfiles.zip")) as pages:
        script = pages.read("index.js").decode()
    assert all(f'"{key}"' in script for key in asked) and '.startsWith("regex:")' in script


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "error: outputs: no runs there yet"),
        (["nowhere"], "error: nowhere: no such folder"),
        (["empty"], "error: empty: no TensorBoard events below it"),
        (["run", "--nope"], "error: unrecognized arguments: --nope"),
        (["run", "--port", "x"], "error: argument --port: invalid"),
        (["run", "--logdir=elsewhere"], "error: --logdir: the folder comes first, without a flag"),
        (["run", "--port=TAKEN", "--load_fast=false"], "already in use"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_exit_status_2(capsys, arguments, said):
    Path("empty").mkdir()
    touch(f"run/{EVENTS}", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["tensorboard", *(argument.replace("TAKEN", port) for argument in arguments)]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and shown.out == ""


def test_help_needs_no_tensorboard():
    code = (
        "import sys; from ablate.cli.main import main\n"
        "main(['tensorboard', '-h']); assert 'tensorboard' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "[DIR] [--no-browser]" in done.stdout


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["l1/seed=10", "l1/seed=9", "none/seed=9"], "^comparison|/seed=9$"),
        (["a/l1/seed=0", "a/l1/seed=0-0123456789ab"], "^comparison|/seed=0$"),
        (["."], None),
    ],
)
def test_the_older_tabs_show_the_comparison_and_a_run_of_every_arm(names, shown):
    asked = parse_qs(tensorboard.few(names).removeprefix("&"))
    assert asked == {"_smoothingWeight": ["0"]} | ({"regexInput": [shown]} if shown else {})


def test_more_arms_than_colours_are_told(capsys):
    tensorboard.say(Path("here"), [f"{arm}/seed={seed}" for arm in range(8) for seed in range(2)], "http://x/")
    assert capsys.readouterr().out.splitlines() == [
        "here: 16 runs of 8 arms",
        "· TensorBoard has 7 colours: some arms share one",
        "http://x/ (Ctrl-C ends it)",
    ]


def test_no_folder_is_a_config_error():
    with pytest.raises(ConfigError, match="no runs there yet"):
        tensorboard.last(Path("outputs"))


@contextmanager
def served(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """The process of `ablate tensorboard`, what it says first, and where it is."""
    command = [sys.executable, "-m", "ablate", "tensorboard", *arguments, "--host=127.0.0.1", "--port=0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server, server.stdout.readline(), server.stdout.readline().split()[0]
    finally:
        server.kill()
        server.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_a_study_until_it_is_ended(end):
    assert main(["-m", "seed=0,1", "trainer.epochs=1", "model.hidden=[4]", "stack.workers=1"]) == 0
    with served() as (server, said, url):
        assert re.fullmatch(r"outputs/sweeps/\S+: 2 runs of 1 arm\n", said)
        with urllib.request.urlopen(url) as page:  # noqa: S310
            there = re.search(r'replace\("/\?(.*?)"', page.read().decode())
        assert there and parse_qs(there[1])["runColorGroup"] == [f"regex:{tensorboard.ARM}"]
        with urllib.request.urlopen(f"{url}?{there[1]}") as page:  # noqa: S310
            assert "<title>TensorBoard" in page.read().decode()
        with urllib.request.urlopen(f"{url}data/environment") as environment:  # noqa: S310
            assert json.load(environment)["data_location"].startswith("outputs/sweeps/")
        server.send_signal(end)
        out, err = server.communicate(timeout=30)
        assert (out, server.returncode) == ("", 0) and "Traceback" not in err
