"""The update rules, against PyTorch's optimizers and, of those with Keras' rules, its formulas."""

from __future__ import annotations

import pytest
import torch

from ablate.config.schema import OPTIMIZERS, SGD, Adam, AdamKeras, AdamW, RMSprop, RMSpropKeras
from ablate.training.optimizers import Updater
from helpers import AdamOfKeras, RMSpropOfKeras

ADAM = {"beta1": 0.8, "beta2": 0.95, "eps": 1e-6}
CASES = [
    (Adam(name="adam", lr=0.01, **ADAM), lambda p: torch.optim.Adam(p, 0.01, (0.8, 0.95), 1e-6)),
    (
        AdamW(name="adamw", lr=0.01, weight_decay=0.1, **ADAM),
        lambda p: torch.optim.AdamW(p, 0.01, (0.8, 0.95), 1e-6, weight_decay=0.1),
    ),
    (SGD(name="sgd", lr=0.1, momentum=0.0, nesterov=False), lambda p: torch.optim.SGD(p, 0.1)),
    (
        SGD(name="sgd", lr=0.1, momentum=0.9, nesterov=True),
        lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    (
        RMSprop(name="rmsprop", lr=0.01, alpha=0.9, eps=1e-7, momentum=0.0),
        lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-7),
    ),
    (
        RMSprop(name="rmsprop", lr=0.01, alpha=0.9, eps=1e-7, momentum=0.5),
        lambda p: torch.optim.RMSprop(p, 0.01, alpha=0.9, eps=1e-7, momentum=0.5),
    ),
    # With an ε that is as large as gradients are, its place shows.
    (
        AdamKeras(name="adam_keras", lr=0.01, beta1=0.8, beta2=0.95, eps=0.5),
        lambda p: AdamOfKeras(p, 0.01, (0.8, 0.95), 0.5),
    ),
    *(
        (
            RMSpropKeras(name="rmsprop_keras", lr=0.01, alpha=0.9, eps=0.5, momentum=momentum),
            lambda p, momentum=momentum: RMSpropOfKeras(p, 0.01, 0.9, 0.5, momentum),
        )
        for momentum in (0.0, 0.5)
    ),
]


def test_every_optimizer_is_tested():
    assert {type(config) for config, _ in CASES} == set(OPTIMIZERS.values())


@pytest.mark.parametrize(("config", "reference"), CASES)
def test_a_row_moves_as_the_reference_moves_it(config, reference):
    torch.manual_seed(0)
    weights, gradients = torch.randn(3, 64), torch.zeros(3, 64)
    faster = config.model_copy(update={"lr": config.lr * 2})
    parameters = [row.clone().requires_grad_() for row in weights]
    references = [reference([parameters[0]]), reference([parameters[1]]), reference([parameters[2]])]
    references[2].param_groups[0]["lr"] *= 2
    updater = Updater([config, config, faster], weights, gradients)
    for step in range(6):
        gradients.copy_(torch.randn(len(gradients), 64))
        for row, (parameter, optimizer) in enumerate(zip(parameters, references, strict=True)):
            parameter.grad = gradients[row].clone()
            optimizer.step()
        updater.step()
        torch.testing.assert_close(weights, torch.stack([p.detach() for p in parameters]), rtol=1e-5, atol=1e-6)
        if step == 2:  # the middle run leaves, the others go on as before
            rows = torch.tensor([0, 2])
            weights, gradients = weights[rows].clone(), gradients[rows].clone()
            updater.keep(rows, weights, gradients)
            parameters, references = parameters[::2], references[::2]
