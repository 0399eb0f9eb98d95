"""--help, and what it and errors go without."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ablate.cli.main import main

HEAVY = {"torch", "pandas", "numpy", "matplotlib", "scipy", "tensorboard", "sklearn"}


pytestmark = pytest.mark.usefixtures("elsewhere")


def test_it_says_what_hydra_says_from_the_same_template(capsys, monkeypatch):
    """Hydra's own, which is asked for by going past ours."""
    from ablate.cli import main as command

    arguments = ["--help", "regularizer=l1", "--resolve"]
    assert main(arguments) == 0
    ours = capsys.readouterr().out
    monkeypatch.setattr(command, "subcommand", lambda *_: pytest.fail("asked Hydra"))
    from ablate.cli.perform import perform

    assert perform(arguments).status == 0
    assert ours == capsys.readouterr().out
    assert "  l1: 0.0003" in ours and "regularizer: dropout, elastic_net, l1," in ours


def test_ones_own_options_and_keys_are_listed(capsys):
    Path("mine/regularizer").mkdir(parents=True)
    Path("mine/regularizer/hoyer.yaml").write_text("hoyer: 1.0e-3\n")
    Path("mine/regularizer/hoyer.py").write_text('"""Hoyer."""\n\n\ndef penalty(weight):\n    return weight.sum()\n')
    assert main(["--config-dir", "mine", "--help", "regularizer=hoyer"]) == 0
    shown = capsys.readouterr().out
    assert "elastic_net, hoyer, l1," in shown and "  hoyer: 0.001" in shown
    assert main(["--help"]) == 0
    assert "hoyer" not in capsys.readouterr().out


def test_another_template_may_be_typed(capsys):
    assert main(["--help", "hydra.help.template='$HYDRA_CONFIG_GROUPS'"]) == 0
    assert "hydra/launcher: basic, stacked" in capsys.readouterr().out


def test_a_wrong_override_is_one_line(capsys):
    assert main(["--help", "regularizr=l1"]) == 2
    assert capsys.readouterr().err == "error: regularizr: no such key; did you mean regularizer?\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["regularizr=l1"], ["regularizer=l9"], ["regularizer.l1=-1"]]
)
def test_it_and_errors_go_without_what_is_heavy(arguments):
    code = (
        "import sys\nfrom ablate.cli.main import main\n"
        f"main({arguments!r})\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n"), done.stdout[-200:]
