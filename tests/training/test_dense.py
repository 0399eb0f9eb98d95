"""Backward passes by hand against autograd."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.training.dense import Dense, product
from helpers import stacked


def mlp(activation: type[nn.Module], outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), activation(), nn.Linear(5, 4), activation(), nn.Linear(4, outputs)
    )


def test_a_relu_on_samples_that_all_runs_share_is_told_of_every_run():
    _, stack, _ = stacked(lambda: nn.Sequential(nn.Flatten(), nn.ReLU(), nn.Linear(6, 3)), Dense)
    stack.forward(torch.randn(1, 7, 6))
    assert stack.active()["1"].shape == (3, 6)


@pytest.mark.parametrize("shape", [(1, 4, 5), (4, 1, 5), (4, 5, 1), (3, 4, 5), (512, 784, 128), (1, 1, 1)])
def test_products_are_products_whatever_the_way(shape):
    m, k, n = shape
    a, b = torch.randn(2, m, k), torch.randn(2, k, n)
    expected = (a.double() @ b.double()).float()
    torch.testing.assert_close(product(a, b), expected, rtol=1e-4, atol=1e-3)
    out = torch.empty(2, m, n)
    torch.testing.assert_close(product(a, b, out=out), expected, rtol=1e-4, atol=1e-3)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-3)


def test_a_layer_that_stands_twice_in_a_sequence_acts_twice():
    def make():
        act = nn.ReLU()
        return nn.Sequential(nn.Linear(6, 5), act, nn.Linear(5, 4), act, nn.Linear(4, 3))

    models, stack, _ = stacked(make, Dense)
    x = torch.randn(3, 7, 6)
    torch.testing.assert_close(stack.forward(x)[1].t(), models[1](x[1]).detach())


@pytest.mark.parametrize(
    "model",
    [
        type("Own", (nn.Sequential,), {"forward": lambda self, x: x})(nn.Linear(6, 3)),
        nn.Sequential(nn.Linear(6, 5), nn.GELU(approximate="tanh"), nn.Linear(5, 3)),
        nn.Sequential(nn.Linear(6, 5).requires_grad_(False), nn.Linear(5, 3)),
        nn.Sequential(*[nn.Linear(6, 6)] * 2),
    ],
)
def test_what_the_layers_by_hand_would_get_wrong_they_do_not_take(model):
    assert not Dense.takes(model, (6,))
