from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from ablate.cli.main import main

RUN = ["trainer.epochs=1", "model.hidden=[4]", "logging.tensorboard=false"]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def mine(content: str, name: str = "experiment/mine.yaml") -> None:
    path = Path("mine", name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


TARGET = "# @package _global_\nhydra: {callbacks: {x: {_target_: %s, command: touch owned}}}\n"
HOSTILE = {
    "a callable": TARGET % "os.system",
    "by way of a module of ours": TARGET % "ablate.cli.os.system",
    "what a plugin imported": TARGET % "hydra_plugins.ablate.launcher.Path",
    "any of our classes": TARGET % "ablate.records.recorder.Recorder",
    "pieced together": TARGET % "'os.${oc.env:SHELL}'",
    "no text": TARGET % "[os, system]",
    "a handler of logging's": "# @package _global_\nhydra: {job_logging: {handlers: {file: {(): os.system}}}}\n",
    "a package of logging's": "# @package hydra.job_logging\nhandlers: {file: {class: os.system}}\n",
    "defaults into logging": "defaults: [other@hydra.job_logging: x]\n",
    "an environment": "# @package _global_\nhydra: {job: {env_set: {LD_PRELOAD: x}}}\n",
    "another folder": "# @package _global_\nhydra: {searchpath: [file:///tmp]}\n",
    "text that becomes keys": "# @package _global_\nhydra: {callbacks: {x: '${oc.create:{_target_: os.system}}'}}\n",
    "text that is decoded": "# @package _global_\nx: '${ oc . decode : ${y}}'\n",
    "a resolver pieced together": "# @package _global_\nx: '${oc.${y}:abc}'\n",
    "aliases of aliases": "a0: &a0 [1, 2]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]\n" for i in range(1, 40)),
}


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("way", [["--config-dir", "mine"], ["-cd=mine"], ["hydra.searchpath=[file://mine]"]])
def test_a_config_folder_has_nothing_imported_or_called(content, way, capsys):
    mine(content)
    assert main([*way, "+experiment=mine", *RUN]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith("error: ") and shown.err.count("\n") == 1 and "mine/experiment/mine.yaml" in shown.err
    assert [path.name for path in Path().iterdir()] == ["mine"]


def test_a_file_named_after_logging_is_refused(capsys):
    mine("handlers: {file: {class: os.system}}", "hydra/job_logging/mine.yaml")
    assert main(["--config-dir=mine", "hydra/job_logging=mine", *RUN]) == 2
    assert "can't set _logging" in capsys.readouterr().err


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
