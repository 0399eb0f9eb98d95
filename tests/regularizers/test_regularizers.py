"""Generic tests run over every module in ablate/regularizers: a new one is tested by being there."""

from __future__ import annotations

import pytest
import torch

from ablate import regularizers
from ablate.training import trial
from helpers import trained

PENALTIES = [name for name in regularizers.names() if regularizers.get(name).penalty]
PROXIMAL = [name for name in PENALTIES if regularizers.get(name).proximal]


@pytest.mark.parametrize("name", regularizers.names())
def test_a_module_says_what_it_is_and_its_functions_pass_their_trial(name):
    assert regularizers.get(name).summary
    assert (name in regularizers.acting()) == (regularizers.get(name).masks is None)
    for shape, outputs in (((6,), 1), ((1, 8, 8), 10)):
        trial.fits(name, 0.5, shape, outputs)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_closed_form_is_the_gradient_of_its_penalty(name):
    module = regularizers.get(name)
    if module.gradient is None:
        pytest.skip("autograd is asked")
    weight = torch.randn(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    (expected,) = torch.autograd.grad(module.penalty(weight), weight)
    torch.testing.assert_close(module.gradient(weight.detach()), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_is_a_number_that_no_sign_or_order_of_weights_changes(name):
    penalty = regularizers.get(name).penalty
    weight = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    value = penalty(weight)
    assert value.shape == () and value > 0
    torch.testing.assert_close(penalty(-weight), value)
    torch.testing.assert_close(penalty(weight.flip(0)), value)


@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_trains_through_the_whole_loop(name, configured):
    plain, penalised = trained(
        [configured("trainer.epochs=2"), configured("trainer.epochs=2", f"regularizer.{name}=0.01")]
    )
    assert plain[-1].figures["penalty"] == 0
    last = penalised[-1].figures
    assert last["penalty"] > 0
    assert last["objective"] == last["loss/train"] + last["penalty"]
    assert last["loss/train"] != plain[-1].figures["loss/train"]


@pytest.mark.parametrize("name", PROXIMAL)
def test_a_proximal_operator_is_the_least_of_what_it_minimises(name):
    """½(v − w)² + amount·penalty(v), against all v on a grid, for every element by itself."""
    module = regularizers.get(name)
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
    base = ("trainer.epochs=1", "trainer.batch_size=1437", "model.hidden=[8]", f"optimizer={optimizer}")
    base += ("optimizer.lr=0.01",)
    strength = (f"regularizer.{name}=3.0", "regularizer.layers=hidden")
    (plain,), (shrunk,) = trained([configured(*base), configured(*base, *strength)])
    expected = dict(plain.ending.state)
    amount = torch.full_like(expected["hidden1.weight"], 3.0) * torch.tensor(0.01)
    expected["hidden1.weight"] = regularizers.get(name).proximal(expected["hidden1.weight"], amount)
    assert not torch.equal(expected["hidden1.weight"], plain.ending.state["hidden1.weight"])
    assert all(torch.equal(shrunk.ending.state[key], expected[key]) for key in expected)
