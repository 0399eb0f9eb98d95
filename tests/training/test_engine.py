"""The one training loop, against loops written by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ablate.training.stack import Stack
from helpers import figures, parts, trained


def same_weights(a, b) -> bool:
    return all(torch.equal(a.ending.state[name], b.ending.state[name]) for name in a.ending.state)


def test_the_same_config_gives_the_same_bits(configured):
    config = configured("trainer.epochs=3", "regularizer=dropout", "seed=4")
    (one,), (two,) = trained([config]), trained([config])
    assert figures(one) == figures(two)
    assert same_weights(one[-1], two[-1])


def test_arms_with_the_same_seed_share_initialisation_and_order(configured):
    arms = ["regularizer=none", "regularizer=l1", "regularizer=dropout", "model.input_dropout=0.1"]
    stack = Stack([configured(arm, "seed=7") for arm in arms] + [configured("seed=8")])
    rows = stack.parameters.weights[[stack.order.index(i) for i in range(5)]]
    assert all(torch.equal(rows[0], row) for row in rows[1:4])
    assert not torch.equal(rows[0], rows[4])
    place = [stack.order.index(i) for i in range(5)]
    x, _, _, _ = next(stack.data.batches([c.seed for c in stack.configs], 1, 32, True))
    assert all(torch.equal(x[place[0]], x[place[i]]) for i in (1, 2, 3))
    assert not torch.equal(x[place[0]], x[place[4]])


def test_figures_are_those_of_the_plain_model_in_eval_mode(configured):
    from ablate import models

    config = configured("trainer.epochs=2", "regularizer=elastic_net", "model.dropout=0.2")
    ((*_, last),) = trained([config])
    found = parts(config)
    model = models.build(config.model, found.shape, found.outputs, 0).eval()
    model.load_state_dict(last.ending.state)
    for name in ("train", "val", "test"):
        part = getattr(found, name)
        with torch.no_grad():
            logits = model(part.x)
        loss = torch.nn.functional.cross_entropy(logits.double(), part.y).item()
        assert last.ending.metrics[f"loss/{name}"] == pytest.approx(loss, rel=1e-5)
        assert last.ending.metrics[f"accuracy/{name}"] == pytest.approx((logits.argmax(1) == part.y).double().mean())
    kernels = [value.double() for name, value in last.ending.state.items() if name.endswith("weight")]
    penalty = sum(1e-4 * w.abs().sum() + 3e-4 * w.square().sum() for w in kernels).item()
    assert last.figures["penalty"] == pytest.approx(penalty, rel=1e-6)
    assert last.figures["objective"] == last.figures["loss/train"] + last.figures["penalty"]
    norm = math.sqrt(sum(w.square().sum().item() for w in kernels))
    assert last.ending.weights["l2_norm"] == pytest.approx(norm)


def test_hidden_layers_alone_can_be_penalised(configured):
    config = configured("trainer.epochs=1", "regularizer=l1", "regularizer.l1=0.01", "regularizer.layers=hidden")
    ((last,),) = trained([config])
    kernels = {name: value.double() for name, value in last.ending.state.items() if name.endswith("weight")}
    hidden = sum(value.abs().sum().item() for name, value in kernels.items() if name != "output.weight")
    assert last.figures["penalty"] == pytest.approx(0.01 * hidden, rel=1e-6)


def test_training_agrees_with_a_loop_written_by_hand(configured):
    """SGD with L1 and L2, 2 epochs, against autograd and torch.optim in the same order."""
    from ablate import models
    from ablate.utils.seeds import INITIALISATION, derive

    config = configured("trainer.epochs=2", "optimizer=sgd", "regularizer=elastic_net", "seed=3")
    ((*_, last),) = trained([config])
    found, stack = parts(config), Stack([config])
    model = models.build(config.model, found.shape, found.outputs, derive(3, INITIALISATION))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for epoch in (1, 2):
        for x, y, _, _ in stack.data.batches([3], epoch, 32, False):
            loss = torch.nn.functional.cross_entropy(model(x[0]), y[0, 0])
            for name, w in model.named_parameters():
                if name.endswith("weight"):
                    loss = loss + 1e-4 * w.abs().sum() + 3e-4 * w.square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(last.ending.state[name], value, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("regularizer", ["none", "dropout"])
def test_restored_weights_are_those_of_a_run_of_exactly_best_epoch_epochs(configured, regularizer):
    settings = ("dataset=noise", "model.hidden=[64]", f"regularizer={regularizer}", "optimizer.lr=0.01", "seed=5")
    stopping = ("early_stopping=patience", "early_stopping.patience=4")
    ((*_, stopped),) = trained([configured(*settings, *stopping, "trainer.epochs=60")])
    best = stopped.ending.best_epoch
    assert stopped.ending.stopped_epoch == best + 4 == stopped.ending.epochs
    ((*_, exact),) = trained([configured(*settings, f"trainer.epochs={best}")])
    assert same_weights(stopped, exact)
    assert stopped.ending.metrics == exact.ending.metrics
    assert stopped.ending.last != stopped.ending.metrics


def test_best_weights_are_restored_though_it_did_not_fire(configured):
    settings = ("dataset=noise", "model.hidden=[64]", "optimizer.lr=0.01")
    stopping = ("early_stopping=patience", "early_stopping.patience=100")
    ((*_, last),) = trained([configured(*settings, *stopping, "trainer.epochs=12")])
    assert last.ending.stopped_epoch is None and last.ending.stopping_reason == "all epochs done"
    assert last.ending.best_epoch < 12
    ((*_, exact),) = trained([configured(*settings, f"trainer.epochs={last.ending.best_epoch}")])
    assert same_weights(last, exact)


@pytest.mark.parametrize("seed", range(5))
def test_the_notes_early_stopping_stops_before_epoch_60_and_restores_the_best(configured, seed):
    ((*rows, last),) = trained([configured("experiment=notes_early_stopping", f"seed={seed}")])
    losses = [row.figures["loss/val"] for row in [*rows, last]]
    assert last.ending.stopped_epoch < 60
    assert last.ending.best_epoch == 1 + losses.index(min(losses))
    assert last.ending.metrics["loss/val"] == min(losses)


def test_a_diverging_run_leaves_and_its_neighbours_notice_nothing(configured):
    good = [configured("trainer.epochs=4", f"seed={seed}", "optimizer=sgd") for seed in (0, 1)]
    bad = configured("trainer.epochs=4", "optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2")
    together = trained([good[0], bad, good[1]])
    ending = together[1][-1].ending
    assert ending.status == "diverged" and ending.epochs < 4
    assert "is nan" in ending.error or "is inf" in ending.error
    for alone, company in zip((trained([c])[0] for c in good), (together[0], together[2]), strict=True):
        assert figures(alone) == figures(company)
        assert company[-1].ending.status == "finished"
