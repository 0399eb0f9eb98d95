"""Hydra's flags: config folders are code and trusted as such; what else is refused, and what stays untouched."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from ablate.cli.main import main

RUN = ["trainer.epochs=1", "model.hidden=[4]", "logging.tensorboard=false"]
WAYS = [["--config-dir", "mine"], ["-cd=mine"], ["hydra.searchpath=[file://mine]"]]

pytestmark = pytest.mark.usefixtures("elsewhere")


def mine(content: str, name: str = "experiment/mine.yaml") -> None:
    path = Path("mine", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize("way", WAYS)
def test_a_config_folder_is_code_and_has_called_what_it_names(way, monkeypatch, tmp_path, capsys):
    Path("called_by_a_config.py").write_text(
        "from hydra.experimental.callback import Callback\n"
        "class Note(Callback):\n"
        "    def on_job_start(self, config, **_): open('called', 'w').close()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine("# @package _global_\nhydra: {callbacks: {x: {_target_: called_by_a_config.Note}}}\n")
    assert main([*way, "experiment=mine", *RUN]) == 0, capsys.readouterr().err
    assert Path("called").exists()


@pytest.mark.parametrize("option", ["regularizer/l1", "optimizer/adam", "study/regularizers", "experiment/notes_l1"])
@pytest.mark.parametrize("way", WAYS)
def test_an_option_of_ones_own_with_the_name_of_a_bundled_one_is_refused(way, option, capsys):
    mine("l1: 7.0\n", f"{option}.yaml")
    assert main([*way, *RUN]) == 2
    shown, taken = capsys.readouterr(), option.replace("/", "=")
    assert shown.err == f"error: mine/{option}.yaml: there is {taken} already; choose another name\n"
    assert [path.name for path in Path().iterdir()] == ["mine"] and shown.out == ""


@pytest.mark.parametrize("option", ["regularizer/l1", "dataset/digits", "model/mlp"])
@pytest.mark.parametrize("way", WAYS)
def test_a_module_of_ones_own_with_the_name_of_a_bundled_one_is_refused(way, option, capsys):
    mine("raise SystemExit('is imported')\n", f"{option}.py")
    assert main([*way, *RUN]) == 2
    shown, group = capsys.readouterr(), option.partition("/")[0]
    assert shown.err == f"error: mine/{option}.py: there is a {group} of this name already; choose another one\n"
    assert [path.name for path in Path().iterdir()] == ["mine"] and shown.out == ""


def test_an_arm_of_a_folder_sets_no_key_of_hydras(capsys):
    mine(
        "baseline: a\nseeds: 1\nmetric: loss/test\narms: {a: hydra.callbacks.x._target=os.system}\n", "study/mine.yaml"
    )
    assert main(["--config-dir=mine", "-m", "study=mine", *RUN]) == 2
    assert "study.arms.a=hydra.callbacks.x._target=os.system: an arm sets keys of its runs" in capsys.readouterr().err
    assert not Path("outputs").exists()


def test_a_config_folder_may_choose_launchers_and_set_what_they_are_told(capsys):
    mine(
        "# @package _global_\n"
        "defaults: [override /hydra/launcher: basic, override /hydra/job_logging: disabled]\n"
        "hydra: {callbacks: {log: {_target_: hydra.experimental.callbacks.LogJobReturnCallback}}, run: {dir: there}}\n"
    )
    mine("not: [valid", "broken.yaml")  # and never chosen
    assert main(["--config-dir=mine", "experiment=mine", *RUN]) == 0, capsys.readouterr().err
    assert Path("there/result.json").exists()


def test_what_is_typed_is_trusted():
    typed = "+hydra.callbacks.mine._target_=hydra.experimental.callbacks.LogJobReturnCallback"
    assert main([typed, *RUN]) == 0


def test_no_pickle_is_read(capsys):
    class Hostile:
        def __reduce__(self):
            return os.system, ("touch owned",)

    Path("config.pickle").write_bytes(pickle.dumps(Hostile()))
    assert main(["--experimental-rerun=config.pickle"]) == 2
    assert "is a pickle" in capsys.readouterr().err and not Path("owned").exists()


def test_files_are_for_those_whom_the_umask_lets(capsys):
    before = os.umask(0o077)
    try:
        assert main(["-m", "seed=0,1", "hydra.sweep.dir=sweep", "stack.workers=2", "stack.size=1", *RUN[:2]]) == 0
    finally:
        os.umask(before)
    made = [Path("sweep"), *Path("sweep").rglob("*")]
    assert len(made) > 10 and not any(path.stat().st_mode & 0o077 for path in made)


REGULARIZER = "def penalty(weight):\n    return weight.abs().mean()\n"


@pytest.mark.parametrize("content", ["", "# mad: 1.0\n", "l1: 1.0e-3\n"])
@pytest.mark.parametrize("way", WAYS)
def test_an_option_that_does_not_set_the_strength_of_the_module_beside_it_is_refused(way, content, capsys):
    mine(REGULARIZER, "regularizer/mad.py")
    mine(content, "regularizer/mad.yaml")
    assert main([*way, "regularizer=mad", *RUN]) == 2
    said = "sets no mad, so that mad.py beside it wouldn't act; write, say, mad: 1.0e-3"
    assert capsys.readouterr().err == f"error: mine/regularizer/mad.yaml: {said}\n"


def test_a_module_without_an_option_is_named_and_its_key_can_be_set(capsys):
    mine(REGULARIZER, "regularizer/mad.py")
    assert main(["--config-dir=mine", "regularizer=mad", *RUN]) == 2
    assert capsys.readouterr().err.endswith("; mine/regularizer/mad.py has no mad.yaml beside it\n")
    assert main(["--config-dir=mine", "regularizer.mad=0.1", *RUN]) == 0


def test_of_two_options_of_one_name_in_two_folders_none_is_taken(capsys):
    mine("l2: 1.0e-5\n", "regularizer/gentle.yaml")
    mine("l2: 1.0e-6\n", "../other/regularizer/gentle.yaml")
    assert main(["--config-dir=mine", "hydra.searchpath=[file://other]", *RUN]) == 2
    said = "there is regularizer=gentle already; choose another name"
    assert capsys.readouterr().err == f"error: other/regularizer/gentle.yaml: {said}\n"


@pytest.mark.parametrize("more", [[], ["--help"]])
def test_a_folder_that_is_not_there_is_refused(more, capsys):
    assert main(["--config-dir=nowhere", *more, *RUN]) == 2
    assert capsys.readouterr().err == "error: --config-dir=nowhere: no such folder\n"


def test_a_key_that_stands_apart_is_told_from_a_flag_that_does_not_exist(capsys):
    mine("", "x.yaml")
    assert main(["seed=1", "--config-dir", "mine", "trainer.epochs=1"]) == 2
    said = (
        "trainer.epochs=1: a flag stands between it and the other keys; "
        "-m and other flags come before all keys or after them: python -m ablate -m KEY=VALUE …"
    )
    assert capsys.readouterr().err == f"error: {said}\n"
    assert main(["--nope", *RUN]) == 2
    assert "unrecognized arguments: --nope; python -m ablate --help" in capsys.readouterr().err
