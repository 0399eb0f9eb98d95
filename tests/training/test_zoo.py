"""Every kind of module is trained as it is: losses of every epoch are those of a loop that shares nothing with ours.

That loop takes its initialisation and its batches by the rules that docs/architecture.md gives, in its own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate import models
from ablate.config import registration
from ablate.config.schema import Config
from ablate.options.discovery import using
from ablate.training.functional import Vmapped
from ablate.training.stack import Stack
from helpers import AdamOfKeras, RMSpropOfKeras, figures, parts, trained

OWN = Path(__file__).with_name("own")
KINDS = ("plain", "rebound", "tied", "weight_norm", "head_first", "attention", "batch_norm", "group_norm",
         "own_dropout", "counting", "recomputed", "reentrant", "projected", "half_frozen")  # fmt: skip
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "adam": lambda w, c: torch.optim.Adam(w, c.lr, (c.beta1, c.beta2), c.eps),
    "adam_keras": lambda w, c: AdamOfKeras(w, c.lr, (c.beta1, c.beta2), c.eps),
    "adamw": lambda w, c: torch.optim.AdamW(w, c.lr, (c.beta1, c.beta2), c.eps, c.weight_decay),
    "sgd": lambda w, c: torch.optim.SGD(w, c.lr, c.momentum, nesterov=c.nesterov),
    "rmsprop": lambda w, c: torch.optim.RMSprop(w, c.lr, c.alpha, c.eps, momentum=c.momentum),
    "rmsprop_keras": lambda w, c: RMSpropOfKeras(w, c.lr, c.alpha, c.eps, c.momentum),
}
BATCH, EPOCHS, L2 = 64, 2, 1e-3


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    with using([OWN]):
        yield


@pytest.fixture
def zoo(configured) -> Callable[..., Config]:
    def make(kind: str, *words: str) -> Config:
        searched = f"hydra.searchpath=[file://{OWN}]"
        return configured(searched, "model=zoo", f"model.kind={kind}", f"trainer.batch_size={BATCH}", *words)

    return make


def drawn(seed: int, *where: int) -> int:
    return int(np.random.SeedSequence(seed, spawn_key=where).generate_state(1, np.uint64)[0])


def loop(config: Config, penalised: Callable[[nn.Module], list[Tensor]]) -> list[tuple[float, float]]:
    """Losses of the training and the validation part after every epoch."""
    data = parts(config)
    torch.manual_seed(drawn(config.seed, 1))
    model = models.MODELS.load("zoo").build(config.model, data.shape, data.outputs)
    optimizer = OPTIMIZERS[config.optimizer.name](model.parameters(), config.optimizer)
    losses = []
    for epoch in range(1, EPOCHS + 1):
        model.train()
        order = torch.randperm(
            len(data.train.x), generator=torch.Generator().manual_seed(drawn(config.seed, 2, epoch, 0))
        )
        for index in order.split(BATCH):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(data.train.x[index]), data.train.y[index])
            (loss + L2 * sum((w.square().sum() for w in penalised(model)), torch.zeros(()))).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            losses.append(tuple(F.cross_entropy(model(p.x), p.y).item() for p in (data.train, data.val)))
    return losses


def kernels(model: nn.Module) -> list[Tensor]:
    """The kernels of the zoo, said once more: what is a matrix, but places, scales and shifts."""
    return [w for name, w in model.named_parameters() if w.ndim >= 2 and name != "place"]


def agrees(config: Config, expected: list[tuple[float, float]]) -> None:
    (rows,) = trained([config])
    found = [(row.figures["loss/train"], row.figures["loss/val"]) for row in rows]
    np.testing.assert_allclose(found, expected, rtol=2e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_is_trained_as_it_is(zoo, kind):
    penalty = () if kind == "weight_norm" else (f"regularizer.l2={L2}",)
    config = zoo(kind, f"trainer.epochs={EPOCHS}", "optimizer=sgd", "optimizer.lr=0.05", "seed=3", *penalty)
    agrees(config, loop(config, kernels if penalty else lambda model: []))


@pytest.mark.parametrize("name", sorted(path.stem for path in (registration.folder() / "optimizer").glob("*.yaml")))
@pytest.mark.parametrize("kind", ["plain", "batch_norm"])
def test_every_optimizer_is_what_it_is_called(zoo, kind, name):
    momentum = ("optimizer.momentum=0.5",) if name in ("rmsprop", "rmsprop_keras", "sgd") else ()
    config = zoo(kind, f"trainer.epochs={EPOCHS}", f"optimizer={name}", *momentum, f"regularizer.l2={L2}", "seed=1")
    agrees(config, loop(config, kernels))


def test_nesterovs_momentum_looks_ahead(zoo):
    config = zoo(
        "plain", f"trainer.epochs={EPOCHS}", "optimizer=sgd", "optimizer.nesterov=true", f"regularizer.l2={L2}"
    )
    agrees(config, loop(config, kernels))


def test_hidden_layers_are_those_that_the_data_leaves_not_last(zoo):
    config = zoo("head_first", f"trainer.epochs={EPOCHS}", f"regularizer.l2={L2}", "regularizer.layers=hidden")
    agrees(config, loop(config, lambda model: [model.hidden.weight]))


@pytest.mark.parametrize("kind", [*KINDS, "skipping"])
def test_a_module_has_the_same_bits_alone_and_in_company(zoo, kind):
    lengths = (f"trainer.epochs={EPOCHS + 1}", "trainer.epochs=1", f"trainer.epochs={EPOCHS}")  # one leaves early
    configs = [zoo(kind, length, f"seed={seed}") for seed, length in enumerate(lengths)]
    company = trained(configs)
    for config, beside in zip(configs, company, strict=True):
        (alone,) = trained([config])
        assert figures(alone) == figures(beside)
        assert all(torch.equal(alone[-1].ending.state[name], b) for name, b in beside[-1].ending.state.items())


@pytest.mark.parametrize("kind", ["batch_norm", "rebound"])
def test_best_weights_are_restored_with_the_buffers_of_their_epoch(zoo, kind):
    """They are all that a run of exactly so many epochs ends with, though others of the stack go on."""
    words = ("dataset=noise", "optimizer.lr=0.01")
    stopping = ("early_stopping=patience", "early_stopping.patience=3", "trainer.epochs=30")
    configs = [zoo(kind, *words, *stopping, f"seed={seed}") for seed in range(3)]
    ends = [rows[-1].ending for rows in trained(configs)]
    assert len({ending.epochs for ending in ends}) > 1
    for seed, stopped in enumerate(ends):
        assert stopped.best_epoch < stopped.epochs
        ((*_, exact),) = trained([zoo(kind, *words, f"trainer.epochs={stopped.best_epoch}", f"seed={seed}")])
        assert all(torch.equal(stopped.state[name], tensor) for name, tensor in exact.ending.state.items())
        assert stopped.metrics == exact.ending.metrics


@pytest.mark.parametrize("kind", ["plain", "rebound", "tied", "head_first", "own_dropout"])
def test_stacks_are_kept_wherever_they_do_what_the_module_does(zoo, kind):
    assert Stack([zoo(kind)]).executor is Vmapped


def test_masks_of_a_layer_that_is_skipped_at_random_follow_from_the_seed_alone(zoo):
    config, found = zoo("skipping", "trainer.epochs=1"), []
    for state in range(3):
        torch.manual_seed(state)
        ((row,),) = trained([config])
        found.append(row.figures["loss/val"])
    assert found == found[:1] * 3


def test_what_a_module_keeps_by_itself_goes_on_through_evaluation(zoo):
    ((*_, last),) = trained([zoo("counting", "trainer.epochs=4")])
    assert last.ending.metrics["loss/val"] == last.figures["loss/val"]
    assert last.ending.metrics["accuracy/test"] > 0.9 * last.figures["accuracy/val"]  # by a module that has warmed up
