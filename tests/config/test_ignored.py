"""What Hydra would ignore without a word is refused, in one line, before anything is written."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from hydra._internal.core_plugins.file_config_source import FileConfigSource

from ablate.cli import help
from ablate.cli.main import main
from ablate.cli.messages import known_keys
from ablate.config import registration
from ablate.config.ignored import COMBINED
from ablate.options import discovery

pytestmark = pytest.mark.usefixtures("elsewhere")

SMALL = "# @package _global_\ndefaults: [override /regularizer: l1]\nmodel: {hidden: [4]}\n"
TWICE = "model=mlp model=lenet"
OVERRULED = (
    "experiment={}: sets model.hidden, which would win over model=lenet; put its model into an option, "
    "model/NAME.yaml, and choose that: - override /model: NAME"
)
CHILD = "# @package _global_\ndefaults: [small]\ntrainer: {epochs: 1}\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("regularizer=l1 regularizer=dropout", f"regularizer=l1 regularizer=dropout: only one would count; {COMBINED}"),
        ("optimizer=adam seed=1 optimizer=sgd", "optimizer=adam optimizer=sgd: only one would count"),
        ("-m optimizer=adam optimizer=adam,sgd", "optimizer=adam optimizer=adam,sgd: only one would count"),
        (f"-m study=regularizers \"study.common='{TWICE}'\"", f"{TWICE}: only one would count"),
        (f"-m study=regularizers \"study.arms.l1='{TWICE}'\"", f"{TWICE}: only one would count"),
        ("--config-dir mine experiment=small model=lenet", OVERRULED.format("small")),
        ("--config-dir mine model=lenet experiment=child", OVERRULED.format("child")),
        ("--config-dir mine experiment=[notes_l1,small] model=lenet", OVERRULED.format("[notes_l1,small]")),
        ("--config-dir mine -m experiment=small,notes_l1 model=lenet", None),
        ("--config-dir mine -m experiment=small model=lenet,lenet", OVERRULED.format("small")),
        ("--config-dir mine experiment=bare", "experiment=bare: would set nothing; its file must begin with # @package "
                                              "_global_"),
    ],
)  # fmt: skip
def test_what_would_be_ignored_is_refused(words, said, capsys):
    for name, content in (("small", SMALL), ("child", CHILD), ("bare", "trainer: {epochs: 1}\n")):
        path = Path("mine/experiment", f"{name}.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    if said is None:  # of a sweep, the jobs that can be trained are
        assert main([*words.split(), "trainer.epochs=1", "logging.tensorboard=false"]) == 1
        assert OVERRULED.format("small") in next(Path("outputs").rglob("comparison.md")).read_text()
        return
    assert main(shlex.split(words)) == 2
    assert capsys.readouterr().err == f"error: {said}\n"
    assert [path.name for path in Path().iterdir()] == ["mine"]


def test_the_same_option_twice_is_that_option_and_two_in_a_list_are_both(configured, capsys):
    assert main(["optimizer=adam", "optimizer=adam", "--cfg", "job"]) == 0
    both = configured("regularizer=[l1,dropout]")
    assert both.strengths["l1"] == 3e-4 and both.noise["dropout"] == 0.2


def test_a_preset_of_ones_own_with_values_is_taken_where_no_option_is_typed(capsys):
    Path("mine/experiment").mkdir(parents=True)
    Path("mine/experiment/small.yaml").write_text(SMALL)
    typed = ["--config-dir=mine", "experiment=small", "regularizer=none", "model.activation=tanh", "trainer.epochs=1"]
    assert main([*typed, "hydra.run.dir=run"]) == 0, capsys.readouterr().err


def test_what_runs_leave_in_ones_own_folder_is_no_option():
    for file in ("model/mine.yaml", "sweep/multirun.yaml", ".hydra/config.yaml", "sweep/l1/.hydra/config.yaml"):
        Path(file).parent.mkdir(parents=True, exist_ok=True)
        Path(file).write_text("a: 1\n")
    with discovery.using([Path()]):
        assert registration.files(Path()) == [Path("model/mine.yaml")]
        assert not {"sweep", ".hydra"} & registration.groups()
        assert not [key for key in known_keys() if key.startswith(("sweep", ".hydra"))]
    sources = [FileConfigSource("mine", f"file://{Path.cwd()}")]
    assert help._groups(sources, hydras=False) == "model: mine\n"
