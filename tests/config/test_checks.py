"""From what Hydra composed to a typed config, or one line that says what is wrong."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir

from ablate.config import registration
from ablate.utils.errors import ConfigError

OPTIONS = [
    f"{path.parent.name}={path.stem}"
    for path in sorted(registration.folder().glob("*/*.yaml"))
    if path.parent.name not in ("hydra",)
]


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_every_group_gives_a_valid_config(configured, option):
    configured(option)


def test_l1_with_dropout_is_exactly_that(configured):
    plain, both = configured(), configured("regularizer=l1", "model.dropout=0.2")
    assert both.model.dropout == 0.2
    assert {name: value for name, value in both.strengths.items() if value} == {"l1": 3e-4}
    assert both.model_copy(update={"model": plain.model, "regularizer": plain.regularizer}) == plain


def test_dropout_of_the_model_follows_the_regularizer(configured):
    assert configured("regularizer=dropout").model.dropout == 0.2
    assert configured("regularizer.dropout=0.4").model.dropout == 0.4
    assert configured("regularizer=dropout", "model.dropout=0").model.dropout == 0


def test_none_is_an_arm_of_zeros(configured):
    regularizer = configured("regularizer=none").regularizer.model_dump()
    assert {key: value for key, value in regularizer.items() if value} == {"layers": "all"}


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("regularizer.l1=-1", "regularizer.l1=-1: must be greater than or equal to 0"),
        ("optimizer.lr=1e200", "optimizer.lr=1e+200: must be from -1e+100 to 1e+100"),  # a result couldn't be read back
        ("device='a\tb'", "device=a\tb: must be one line that can be printed"),
        ("regularizer.l2=nan", "regularizer.l2=nan: must be a finite number"),
        ("regularizer.l1=abc", "regularizer.l1=abc: must be a valid number"),
        ("regularizer.dropout=1", "regularizer.dropout=1: must be less than 1"),
        ("model.dropout=1.5", "model.dropout=1.5: must be less than 1"),
        ("model.hidden=[]", "model.hidden=[]: must have at least 1 item"),
        ("model.hidden=[64,-1]", "model.hidden=[64,-1]: its -1 must be greater than or equal to 1"),
        ("model.activation=rleu", "model.activation=rleu: must be 'relu', 'tanh', 'sigmoid' or 'gelu'"),
        ("early_stopping.patience=-1", "early_stopping.patience=-1: must be greater than or equal to 0"),
        ("early_stopping.monitor=foo", "early_stopping.monitor=foo: must be 'loss/train'"),
        ("early_stopping.monitor=accuracy/val", "early_stopping.mode=min: must be max where accuracy/val"),
        ("trainer.epochs=0", "trainer.epochs=0: must be greater than or equal to 1"),
        ("trainer.epochs=1000000000", "trainer.epochs=1000000000: must be less than or equal to 1000000"),
        (
            "model.hidden=[1000000000]",
            "model.hidden=[1000000000]: its 1000000000 must be less than or equal to 100000000",
        ),
        ("device='" + 300 * "x" + "'", 200 * "x" + "…: is no device"),
        ("trainer.epochs=true", "trainer.epochs=true: must be a valid integer"),
        ("trainer.batch_size=0", "trainer.batch_size=0: must be greater than or equal to 1"),
        ("dataset.val_fraction=0", "dataset.val_fraction=0: must be greater than 0"),
        ("dataset.val_fraction=1", "dataset.val_fraction=1: must be less than 1"),
        ("dataset.val_fraction=0.9", "leaves no samples for training"),
        ("dataset.name=nope", "dataset.name=nope: must be one of breast_cancer, cifar10, csv"),
        ("optimizer.lr=0", "optimizer.lr=0: must be greater than 0"),
        ("device=nowhere", "device=nowhere: is no device of this machine"),
        ("seed=-1", "seed=-1: must be greater than or equal to 0"),
        ("trainer=3", "trainer=3: must be a group of keys"),
        ("+nonsense=3", "nonsense: no such key"),
        ("model.dropout=${nothing}", "model.dropout: Interpolation key 'nothing' not found"),
    ],
)
def test_a_bad_value_is_refused_in_one_line_with_key_value_and_what_is_allowed(configured, override, said):
    with pytest.raises(ConfigError) as refused:
        configured(override)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_keras_names_of_figures_are_understood(configured):
    assert configured("early_stopping.monitor=val_loss").early_stopping.monitor == "loss/val"
    watching = configured("early_stopping.monitor=val_accuracy", "early_stopping.mode=max").early_stopping
    assert watching.monitor == "accuracy/val"


def test_dropout_on_the_output_is_impossible():
    with (
        initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"),
        pytest.raises(Exception, match=r"Could not override 'model\.output_dropout'"),
    ):
        compose("config", ["model.output_dropout=0.5"])
