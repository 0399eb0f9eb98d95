"""Generic tests run over every module in ablate/regularizers: a new one is tested by being there."""

from __future__ import annotations

import math

import pytest
import torch

from ablate import regularizers
from ablate.options.discovery import load
from ablate.regularizers import dropout, l1, l1_proximal, l2
from ablate.utils.seeds import DROPOUT, generator

PENALTIES = [name for name in regularizers.names() if getattr(load("ablate.regularizers", name), "penalty", None)]
PROXIMAL = [name for name in PENALTIES if hasattr(load("ablate.regularizers", name), "proximal")]


@pytest.mark.parametrize("name", regularizers.names())
def test_a_module_says_what_it_is_and_what_its_penalty_is(name):
    assert regularizers.summary(name)
    assert (name in regularizers.penalties()) == (name in PENALTIES)
    if name in PENALTIES:
        regularizers.fits(name)


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


def test_soft_thresholding_takes_the_amount_off_and_stops_at_0():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0], [-0.25, 0.75], [3.0, -0.5]])
    amount = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.5, 0.25], [0.0, 0.0]])
    assert l1_proximal.proximal(weight, amount).tolist() == [[0.5, -1.5], [0, 0], [0, 0.5], [3, -0.5]]


@pytest.mark.parametrize("name", PROXIMAL)
def test_a_proximal_operator_is_the_least_of_what_it_minimises(name):
    """½(v − w)² + amount·penalty(v), against all v on a grid, for every element by itself."""
    module = load("ablate.regularizers", name)
    generator = torch.Generator().manual_seed(2)
    weight = torch.randn(40, dtype=torch.float64, generator=generator)
    amount = 2 * torch.rand(40, dtype=torch.float64, generator=generator) * (torch.arange(40) > 4)

    def minimised(v):
        penalties = torch.stack([module.penalty(element.view(1, 1)) for element in v.flatten()]).view(v.shape)
        return (v - weight) ** 2 / 2 + amount * penalties

    least = module.proximal(weight, amount)
    grid = torch.linspace(-4, 4, 801, dtype=torch.float64).unsqueeze(1).expand(-1, 40)
    assert (minimised(least) <= minimised(grid).min(0).values + 1e-12).all()
    assert torch.equal(least[:5], weight[:5])  # amount 0


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop"])
@pytest.mark.parametrize("name", PROXIMAL)
def test_one_step_is_the_optimizers_and_then_the_proximal_operator(name, optimizer, configured):
    from conftest import trained

    base = ("trainer.epochs=1", "trainer.batch_size=1437", "model.hidden=[8]", f"optimizer={optimizer}")
    base += ("optimizer.lr=0.01",)
    strength = (f"regularizer.{name}=3.0", "regularizer.layers=hidden")
    (plain,), (shrunk,) = trained([configured(*base), configured(*base, *strength)])
    expected = dict(plain.ending.state)
    amount = torch.full_like(expected["hidden1.weight"], 3.0) * torch.tensor(0.01)
    expected["hidden1.weight"] = load("ablate.regularizers", name).proximal(expected["hidden1.weight"], amount)
    assert not torch.equal(expected["hidden1.weight"], plain.ending.state["hidden1.weight"])
    assert all(torch.equal(shrunk.ending.state[key], expected[key]) for key in expected)


def test_proximal_l1_makes_zeros_where_l1_makes_none(configured):
    from conftest import trained

    ends = trained([configured("regularizer=l1"), configured("regularizer=l1_proximal")])
    by_gradient, row = (rows[-1] for rows in ends)
    kernels = [value.double() for key, value in row.ending.state.items() if key.endswith("weight")]
    zeros, numbers = (sum(int(f(w)) for w in kernels) for f in (lambda w: (w == 0).sum(), torch.numel))
    assert zeros > 0
    assert row.ending.weights["zeros"] == row.figures["weights/zeros"] == zeros / numbers
    assert by_gradient.ending.weights["zeros"] == 0
    penalty = 0.1 * sum(w.abs().sum().item() for w in kernels)
    assert row.figures["penalty"] == pytest.approx(penalty, rel=1e-6)


def test_with_plain_sgd_proximal_l1_ends_where_l1_does(configured):
    """Both go down the same objective; with momentum or Adam the docstring says why they don't."""
    from conftest import trained

    base = ("optimizer=sgd", "optimizer.momentum=0", "trainer.epochs=20", "model.hidden=[16]")
    ends = trained([configured(*base, f"regularizer.{name}=0.003") for name in ("l1", "l1_proximal")])
    by_gradient, proximal = (rows[-1].figures for rows in ends)
    for figure in ("objective", "penalty"):
        assert proximal[figure] == pytest.approx(by_gradient[figure], rel=0.02)
    assert proximal["weights/zeros"] > 0.1 and by_gradient["weights/zeros"] == 0


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
