"""What arms and folders are called."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir

from ablate.config import registration
from ablate.config.naming import arm, run_folder
from ablate.options.discovery import using
from helpers import ROOT


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        ((), "none"),
        (("regularizer.l1=1e-4",), "l1=1e-4"),
        (("regularizer.l1=0.00025", "model.dropout=0.2"), "l1=2.5e-4 dropout=0.2"),
        (("regularizer=l2", "regularizer.l2=0.01", "regularizer.layers=hidden"), "l2=0.01 layers=hidden"),
        (("early_stopping=patience",), "patience=5"),
        (("regularizer=dropout", "model.dropout=0"), "none"),
    ],
)
def test_arms_have_names_that_read(configured, overrides, name):
    assert arm(configured(*overrides)) == name


def test_a_mask_of_ones_own_has_its_strength_in_the_name_and_dropout_that_of_the_model(configured):
    with using([ROOT / "tests" / "regularizers" / "own"]):
        registration.register()
        assert arm(configured("regularizer.coin=0.5")) == "coin=0.5"
        assert arm(configured("regularizer.coin=0.5", "regularizer.l1=1e-4", "model.dropout=0.1")) == (
            "coin=0.5 l1=1e-4 dropout=0.1"
        )
    registration.register()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ([], "none"),
        (["regularizer=l1"], "l1=3e-4"),
        (["regularizer=l1", "regularizer.l1=1e-4", "seed=3"], "l1=1e-4"),
        (["regularizer=l1", "model.dropout=0.2", "regularizer.layers=hidden"], "l1=3e-4,dropout=0.2,layers=hidden"),
        (["early_stopping=patience", "early_stopping.patience=7"], "patience=7"),
        (["early_stopping=patience", "early_stopping.min_delta=0.1"], "patience=5,early_stopping.min_delta=0.1"),
        (["model.hidden=[8,4]", "dataset=noise", "device=cpu"], "none,model.hidden=[8,4],dataset=noise"),
        (["experiment=notes_l1", "logging.images=false"], "l1=0.01,layers=hidden,experiment=notes_l1"),
        (["dataset=mnist", "dataset.root=/a/b"], "none,dataset=mnist"),
    ],
)
def test_a_sweeps_folders_say_how_a_run_is_regularized_and_what_else_was_typed(typed, name):
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        composed = compose("config", typed, return_hydra_config=True)
    assert run_folder(_root_=composed) == name
