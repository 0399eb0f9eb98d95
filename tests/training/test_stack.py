"""A run's figures don't depend on its company: the promise that everything else stands on."""

from __future__ import annotations

import pytest
import torch

from ablate.config.schema import OPTIMIZERS
from helpers import figures, slow_ones, trained

ARMS = [
    ("regularizer=none",),
    ("regularizer=l1",),
    ("regularizer=l2", "optimizer.lr=0.003"),
    ("regularizer=dropout", "trainer.epochs=2"),
    ("regularizer=elastic_net", "model.dropout=0.3"),
    ("regularizer=l1", "regularizer.layers=hidden", "model.dropout=0.1"),
    ("early_stopping=patience", "early_stopping.patience=0", "early_stopping.min_delta=9"),
    ("optimizer.lr=3e-4", "model.dropout=0.5"),
    ("regularizer=l1_proximal", "optimizer.lr=0.003", "regularizer.layers=hidden", "regularizer.l2=1e-3"),
    ("regularizer=l1_proximal", "model.dropout=0.2"),
]
SETTINGS = {
    "digits": (),
    "odd sizes, sigmoid": ("model.hidden=[30,17]", "model.activation=sigmoid", "trainer.batch_size=10"),
    "own splits, tanh": ("dataset.split_seed=null", "model.activation=tanh"),
    "binary, gelu": ("dataset=noise", "model.hidden=[64]", "model.activation=gelu"),
    "wide": ("model.hidden=[256,256]", "trainer.batch_size=128"),
    "convolutions": ("model=lenet", "model.hidden=[20]"),
}


def compare(alone, company) -> None:
    assert figures(alone) == figures(company)
    state, other = alone[-1].ending.state, company[-1].ending.state
    assert all(torch.equal(state[name], other[name]) for name in state)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(
    "settings", slow_ones(SETTINGS, ["odd sizes, sigmoid", "own splits, tanh", "wide", "convolutions"])
)
def test_a_run_has_the_same_bits_alone_and_in_company(configured, optimizer, settings):
    base = ("trainer.epochs=3", f"optimizer={optimizer}", *SETTINGS[settings])
    configs = [configured(*base, f"seed={i % 3}", *arm) for i, arm in enumerate(ARMS)]
    together = trained(configs)
    assert len({len(rows) for rows in together}) > 1  # some left before others
    for threads, place in [(1, 0), (2, 1), (1, 2), (2, 3), (1, 4), (2, 5), (1, 6), (2, 7), (1, 8), (2, 9)]:
        torch.set_num_threads(threads)
        compare(trained([configs[place]])[0], together[place])


@pytest.mark.slow
def test_a_stack_of_64_changes_no_bit(configured):
    configs = [
        configured("trainer.epochs=2", f"seed={seed}", *arm) for seed in range(8) for arm in ARMS if len(arm) < 3
    ]
    configs = (configs * 2)[:64]
    together = trained(configs)
    for place in (0, 1, 21, 40, 63):
        compare(trained([configs[place]])[0], together[place])
