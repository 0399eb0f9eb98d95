"""Generic tests run over every module in ablate/regularizers: a new one is tested by being there."""

from __future__ import annotations

import math

import pytest
import torch

from ablate import regularizers
from ablate.discovery import load
from ablate.regularizers import dropout, l1, l2
from ablate.seeds import DROPOUT, generator

PENALTIES = regularizers.penalties()


def test_penalties_are_sums_over_the_kernel_as_in_keras():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    assert l1.penalty(weight).item() == 3.5
    assert l2.penalty(weight).item() == 5.25


def test_gradients_are_the_constant_pull_and_the_proportional_one():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    assert l1.gradient(weight).tolist() == [[1, -1], [1, 0]]
    assert l2.gradient(weight).tolist() == [[2, -4], [1, 0]]


@pytest.mark.parametrize("name", PENALTIES)
def test_a_closed_form_is_the_gradient_of_its_penalty(name):
    module = load("ablate.regularizers", name)
    if not hasattr(module, "gradient"):
        pytest.skip("autograd is asked")
    weight = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (expected,) = torch.autograd.grad(module.penalty(weight), weight)
    torch.testing.assert_close(module.gradient(weight.detach()), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_is_a_number_that_no_sign_or_order_of_weights_changes(name):
    penalty = load("ablate.regularizers", name).penalty
    weight = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    value = penalty(weight)
    assert value.shape == () and value > 0
    torch.testing.assert_close(penalty(-weight), value)
    torch.testing.assert_close(penalty(weight.flip(0)), value)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_trains_through_the_whole_loop(name, configured):
    from conftest import trained

    plain, penalised = trained(
        [configured("trainer.epochs=2"), configured("trainer.epochs=2", f"regularizer.{name}=0.01")]
    )
    assert plain[-1].figures["penalty"] == 0
    last = penalised[-1].figures
    assert last["penalty"] > 0
    assert last["objective"] == last["loss/train"] + last["penalty"]
    assert last["loss/train"] != plain[-1].figures["loss/train"]


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_dropout_hides_its_share_and_keeps_the_mean(p):
    p = dropout.rounded(p)
    words = torch.empty(1, 50_000, dtype=torch.int64)
    lanes = dropout.draw(words, [generator(0, DROPOUT, 1)])
    mask = dropout.mask(lanes, *dropout.levels(torch.tensor([[p]])), out=torch.empty(lanes.shape))
    n = mask.numel()
    hidden = (mask == 0).double().mean().item()
    assert abs(hidden - p) < 5 * math.sqrt(p * (1 - p) / n)
    assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / (1 - p)).item()}
    assert abs(mask.double().mean().item() - 1) < 5 * math.sqrt(p / (1 - p) / n)


def test_lanes_are_uniform_over_their_range():
    lanes = dropout.draw(torch.empty(1, 100_000, dtype=torch.int64), [generator(1, DROPOUT, 1)]).double()
    assert lanes.min() < -32_700 and lanes.max() > 32_700
    counts = torch.histc(lanes, 64, -32_768, 32_768)
    chi2 = ((counts - counts.mean()) ** 2 / counts.mean()).sum().item()
    assert chi2 < 63 + 5 * math.sqrt(2 * 63)
