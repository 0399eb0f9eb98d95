"""In what arms differ beside their regularization."""

from __future__ import annotations

import pytest

from ablate.analysis.differing import differing


@pytest.mark.parametrize(
    ("overrides", "keys", "regularized_alike"),
    [
        (["regularizer=l1"], [], False),
        (["regularizer=dropout"], [], False),
        (["model.input_dropout=0.2", "early_stopping=patience"], [], False),
        (["seed=3", "device=cpu", "logging.graph=false", "stack.size=2", "trainer.checkpoint_every=1"], [], True),
        (["rerun=all"], [], True),
        (["optimizer.lr=0.1"], ["optimizer.lr"], True),
        (["optimizer=adam", "optimizer.lr=0.1"], ["optimizer.lr"], True),
        (["optimizer=sgd", "optimizer.lr=0.1", "trainer.epochs=3"], ["optimizer", "trainer.epochs"], True),
        (["model=lenet"], ["model"], True),
        (["model.hidden=[8]", "model.activation=tanh", "regularizer=l2"], ["model.activation", "model.hidden"], False),
        (
            ["experiment=notes_dropout"],
            ["dataset.scaling", "model.hidden", "model.init", "optimizer", "trainer.batch_size", "trainer.epochs"],
            False,
        ),
    ],
)  # fmt: skip
def test_keys_that_decide_figures_and_do_not_regularize(configured, overrides, keys, regularized_alike):
    one, other = configured(*overrides).model_dump(), configured().model_dump()
    for found, alike in (differing(one, other), differing(other, one)):
        assert (sorted(found), alike) == (keys, regularized_alike)


def test_of_a_run_that_could_not_be_composed_nothing_is_known(configured):
    assert differing({}, configured().model_dump()) == ([], True)
