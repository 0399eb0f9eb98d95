"""Studies: which runs they are, that none is done twice, and what the folder keeps."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ablate.analysis import studies
from ablate.analysis.studies import Study
from ablate.cli.main import main
from ablate.config import registration
from ablate.utils.errors import ConfigError, one_line
from helpers import asked

NAMES = sorted(path.stem for path in (registration.folder() / "study").glob("*.yaml"))
SHORT = ("trainer.epochs=1", "model.hidden=[4]")


pytestmark = pytest.mark.usefixtures("elsewhere")


def typed(chosen: Study | None, *arguments: str) -> list[tuple[str | None, list[str]]]:
    parse = OverridesParser.create().parse_overrides
    return [(arm, [o.input_line for o in overrides]) for arm, overrides in studies.arms(chosen, arguments, parse)]


def test_arms_add_up_and_what_is_typed_comes_last():
    chosen = Study(baseline="a", seeds=3, common="x=1", arms={"a": "y=2", "b": "y=3,4 'z=[5, 6]'"})
    assert typed(chosen, "study=mine", "study.seeds=3", "x=7") == [
        ("a", ["x=1", "y=2", "x=7", "seed=0,1,2"]),
        ("b", ["x=1", "y=3,4", "z=[5, 6]", "x=7", "seed=0,1,2"]),
    ]
    assert typed(chosen, "seed=5")[0][1] == ["x=1", "y=2", "seed=5"]
    assert typed(None, "x=1,2", "seed=0") == [(None, ["x=1,2", "seed=0"])]


def test_an_option_that_is_typed_replaces_all_that_an_arm_says_of_its_group():
    arms = {"a": "regularizer=l1 regularizer.l1=1e-5,1e-4 y=2", "b": "early_stopping=patience"}
    chosen = Study(baseline="a", seeds=[0], common="regularizer=none regularizer.l2=1 x=1", arms=arms)
    assert typed(chosen) == [
        ("a", ["regularizer.l2=1", "x=1", "regularizer=l1", "regularizer.l1=1e-5,1e-4", "y=2", "seed=0"]),
        ("b", ["regularizer=none", "regularizer.l2=1", "x=1", "early_stopping=patience", "seed=0"]),
    ]
    assert typed(chosen, "regularizer=l2") == [
        ("a", ["x=1", "y=2", "regularizer=l2", "seed=0"]),
        ("b", ["x=1", "early_stopping=patience", "regularizer=l2", "seed=0"]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_study_runs(name, capsys):
    assert main(["-m", f"study={name}", "study.seeds=1", "trainer.epochs=2"]) == 0
    node = OmegaConf.load(registration.folder() / "study" / f"{name}.yaml")
    folder = Path("outputs/studies", name)
    assert {run.arm for run in asked(str(folder))} == set(node.arms)
    arms = pd.read_csv(folder / "comparison.csv")
    assert len(arms) == len(node.arms) and list(arms["baseline"].unique()) == [node.baseline]
    assert set(arms["verdict"]) == {"baseline", "too few seeds"}
    assert "Too few seeds for a verdict" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["study=nope"], "study=nope: must be one of combine, regularizers, strengths"),
        (["study=regularizers", "study.baseline=nope"], "study.baseline=nope: must be one of dropout"),
        (["study=regularizers", "study.seeds=0"], "study.seeds=0: must be"),
        (["study=regularizers", "study.seeds=[]"], "study.seeds=[]: must"),
        (["study=regularizers", "study.metric=loss/val"], "study.metric=loss/val: must be"),
        (["study=regularizers", "study.metric=aux"], "study.metric=aux: must be one of accuracy/test, auc/test, "),
        (["study=regularizers", "study.metric=aux"], "(did you mean auc/test?)"),
        (["study.metric=auc"], "study.metric=auc: is a key of a study: -m study=NAME chooses one"),
        (["study=regularizers,strengths"], "study=regularizers,strengths: one study at a time"),
        (["study=regularizers", "study.common='regularizer.l2=-1'"], "regularizer.l2=-1: must be"),
        (["study=regularizers", "study.arms.l1='a b'"], "a: isn't key=value"),
        (["study=regularizers", "study.arms.l1='\"a'"], "study.arms.l1=\"a: can't be read"),
        (["study=regularizers", "study.arms.l1=3"], "study.arms.l1=3: must be"),
        (["study.seeds=3"], "study.seeds: only some options of study have this key"),
    ],
)
def test_a_wrong_study_gives_one_line_exit_status_2_and_leaves_nothing(capsys, arguments, said):
    assert main(["-m", *arguments]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and shown.err.count("\n") == 1 and shown.out == ""
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("name", ["a\nb", "\x1b]0;PWNED\x07", "a\tb", "\u202eb"])
def test_an_arms_name_is_one_line_that_can_be_printed(name):
    node = OmegaConf.create({"study": {"baseline": "none", "seeds": 1, "arms": {"none": "", name: "seed=1"}}})
    with pytest.raises(ConfigError, match="must be one line that can be printed") as refused:
        studies.study(node)
    assert one_line(refused.value).isprintable()


def test_a_study_without_multirun_is_refused(capsys):
    assert main(["study=regularizers"]) == 2
    assert "study=regularizers: is a sweep: python -m ablate -m study=regularizers" in capsys.readouterr().err
    assert main(["study.metric=auc"]) == 2
    assert "study.metric=auc: is a key of a study" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "metric"), [("auc", "auc/test"), ("rmse/test", "rmse/test"), ("null", None)])
def test_a_metric_is_typed_whether_the_file_of_the_study_has_one_or_not(typed, metric):
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        chosen = studies.study(compose("config", ["study=regularizers", f"study.metric={typed}"]))
        assert studies.study(compose("config", [])) is None
    assert chosen is not None and chosen.metric == metric


@pytest.mark.slow
def test_a_study_on_several_data_has_a_table_for_each(capsys):
    arguments = ["study=regularizers", "study.seeds=1", "dataset=digits,noise", "trainer.epochs=1", "model.hidden=[4]"]
    assert main(["-m", *arguments]) == 0
    arms = pd.read_csv("outputs/studies/regularizers/comparison.csv")
    assert len(arms) == 10 and sorted(arms["baseline"].unique()) == ["none dataset=digits", "none dataset=noise"]


def test_an_arm_without_a_row_of_its_own_is_named(capsys):
    arms = ["~study.arms.l2", "~study.arms.dropout", "~study.arms.early_stopping", "+study.arms.same='seed=0,1'"]
    zero = "study.arms.l1='regularizer.l1=0,10'"
    assert main(["-m", "study=regularizers", zero, "study.seeds=2", *arms, *SHORT, "trainer.epochs=4"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "l1: has no row of its own, its settings are those of none" in out
    assert "same: has no row of its own" in out
