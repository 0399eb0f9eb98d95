"""Every task, with and without weights: training is that of a plain loop, whatever company a run has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics
from torch import nn

from ablate import models
from ablate.training.stack import Stack
from ablate.utils.seeds import INITIALISATION, ORDER, derive, generator
from helpers import figures, parts, trained

N = 90
KINDS = {
    "binary": ["dataset.y=two"],
    "multiclass": ["dataset.y=three"],
    "multilabel": ["dataset.y=labels"],
    "regression": ["dataset.y=number"],
    "several numbers": ["dataset.y=numbers"],
    "absolute": ["dataset.y=number", "loss=mae"],
    "huber": ["dataset.y=numbers", "loss=huber", "loss.delta=0.5"],
}
WEIGHTED = {
    "alike": [],
    "weighted": ["dataset.weight=weight"],
    "balanced": ["loss.class_weights=balanced"],
    "weighted and balanced": ["dataset.weight=weight", "loss.class_weights=balanced"],
}
CASES = [
    (kind, weights)
    for kind in KINDS
    for weights in WEIGHTED
    if "balanced" not in weights or kind in ("binary", "multiclass")
]


@pytest.fixture
def words(tmp_path: Path) -> list[str]:
    random = np.random.default_rng(0)
    x = random.normal(size=(N, 5))
    score = x[:, 0] - x[:, 1] + random.normal(size=N)
    np.savez(
        tmp_path / "arrays.npz",
        x=x,
        two=np.where(score > 1, "yes", "no"),
        three=np.digitize(score, (-1, 1)),
        labels=(x[:, :3] > 0.3).astype(int),
        number=50 + 9 * score,
        numbers=np.stack([score, -700 * x[:, 2]], 1),
        weight=random.uniform(0.2, 3, N),
    )
    base = [f"dataset.path={tmp_path / 'arrays.npz'}", "dataset=npz", "model.hidden=[6]", "trainer.batch_size=16"]
    return [*base, "optimizer=sgd", "optimizer.lr=0.05", "optimizer.momentum=0", "trainer.epochs=3"]


def criterion(name: str) -> nn.Module:
    if name in ("binary", "multilabel"):
        return nn.BCEWithLogitsLoss(reduction="none")
    if name == "multiclass":
        return nn.CrossEntropyLoss(reduction="none")
    kinds = {"absolute": nn.L1Loss(reduction="none"), "huber": nn.HuberLoss(reduction="none", delta=0.5)}
    return kinds.get(name, nn.MSELoss(reduction="none"))


@pytest.mark.parametrize(("kind", "weights"), CASES)
def test_training_is_that_of_a_plain_loop(configured, words, kind, weights):
    config = configured(*words, *KINDS[kind], *WEIGHTED[weights])
    data, stack = parts(config), Stack([config])
    model = models.build(config.model, data.shape, data.outputs, derive(config.seed, INITIALISATION))
    optimizer, loss = torch.optim.SGD(model.parameters(), lr=0.05), criterion(kind)
    importance = torch.ones(len(data.train)) if data.train.weight is None else data.train.weight.float()
    if "balanced" in weights:
        of_class = torch.zeros(len(data.target.classes)).index_add_(0, data.train.y, importance)
        importance *= (importance.sum() / (len(of_class) * of_class))[data.train.y]

    def losses(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        out = model(x)
        if kind == "multiclass":
            return loss(out, y)
        return loss(out, y.view(len(y), -1).float()).mean(1)

    for epoch in (1, 2, 3):
        stack.train_epoch(epoch)
        order = torch.randperm(len(data.train), generator=generator(config.seed, ORDER, epoch))
        for at in order.split(16):
            optimizer.zero_grad()
            share = importance[at] / importance[at].sum()
            (losses(data.train.x[at], data.train.y[at]) * share).sum().backward()
            optimizer.step()
    with torch.no_grad():
        expected = float((losses(data.train.x, data.train.y) * importance).sum() / importance.sum())
    assert stack.evaluate("train")[0].item() == pytest.approx(expected, rel=1e-5)
    state = stack.state(0, stack.parameters)
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("kind", "weights"), CASES)
def test_bits_do_not_depend_on_company(configured, words, kind, weights):
    base = [*words, *KINDS[kind], *WEIGHTED[weights], "dataset.split_seed=null"]
    configs = [configured(*base, f"seed={seed}", f"regularizer.l2={l2}") for seed in (0, 1) for l2 in (0, 1e-3)]
    together = trained(configs)
    for config, rows in zip(configs, together, strict=True):
        (alone,) = trained([config])
        assert figures(alone) == figures(rows) and alone[-1].ending.metrics == rows[-1].ending.metrics


def test_metrics_are_those_of_scikit_learn_on_what_was_predicted(configured, words):
    """Weighted, of several numbers: the watched figure of every part, and those of the test."""
    config = configured(*words, "dataset.y=numbers", "dataset.weight=weight")
    data, rows = parts(config), trained([config])[0]
    stack = Stack([config])
    for epoch in (1, 2, 3):
        stack.train_epoch(epoch)
    found = rows[-1].ending.metrics
    for name, part in data.parts.items():
        given = data.target.in_units(stack.logits(name, stack.parameters)[0].T.numpy())
        truth = data.target.in_units(part.y.numpy())
        rmse = metrics.root_mean_squared_error(truth, given, sample_weight=part.weight.numpy())
        assert found[f"rmse/{name}"] == pytest.approx(rmse, rel=1e-5)
    truth = data.answers
    given = data.target.in_units(stack.logits("test", stack.parameters)[0].T.numpy())
    mae = metrics.mean_absolute_error(truth, given, sample_weight=data.test.weight.numpy())
    assert found["mae/test"] == pytest.approx(mae, rel=1e-6)
    r2 = metrics.r2_score(truth, given, sample_weight=data.test.weight.numpy())
    assert found["r2/test"] == pytest.approx(r2, rel=1e-6)
