"""Any module in a stack: logits, gradients and masks are those of each model alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.training import losses
from ablate.training.dense import Dense
from ablate.training.executors import executor
from ablate.training.functional import Serial, Vmapped
from helpers import stacked


class Residual(nn.Module):
    """What a user might bring: normalisation, a shortcut, dropout."""

    def __init__(self, outputs: int = 3, inputs: int = 6, width: int = 8) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(inputs, width), nn.Linear(width, width), nn.Linear(width, outputs)
        self.norm, self.drop = nn.BatchNorm1d(width), nn.Dropout(0.3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.norm(self.a(x.flatten(1))))
        return self.out(self.drop(h + torch.tanh(self.b(h))))


class Recurrent(nn.Module):
    """What vmap can't map."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(2, 5, batch_first=True), nn.Linear(5, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.lstm(x.view(len(x), 3, 2))[0][:, -1])


def mlp(activation: type[nn.Module], outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(6, 5), activation(), nn.Linear(5, 4), activation(), nn.Linear(4, outputs)
    )


def conv(outputs: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, outputs))


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("make", "kind"),
    [
        *[(lambda o, a=a: mlp(a, o), Dense) for a in (nn.ReLU, nn.Tanh, nn.Sigmoid, nn.GELU)],
        (lambda o: mlp(nn.SiLU, o), Vmapped),
        (Residual, Vmapped),
        (Residual, Serial),
        (conv, Serial),
        (Recurrent, Serial),
    ],
)
def test_logits_and_gradients_of_a_stack_are_those_of_each_model(make, kind, outputs):
    def build():
        model = make(outputs)
        for layer in model.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        return model

    models, stack, gradients = stacked(build, kind)
    x, y = torch.randn(3, 8, 6), torch.randint(0, max(outputs, 2), (3, 1, 8))
    stack.start_epoch(1)
    logits = stack.forward(x, training=True)
    stack.backward(losses.CrossEntropy().gradient(logits, y, torch.full((8,), 1 / 8)))
    summed = losses.CrossEntropy().values(logits, y).double().sum(1)
    right = losses.right(logits, y).sum(1)
    for i, model in enumerate(models):
        model.train()
        out = model(x[i])
        expected = (
            F.cross_entropy(out, y[i, 0])
            if outputs > 1
            else F.binary_cross_entropy_with_logits(out[:, 0], y[i, 0].float())
        )
        expected.backward()
        torch.testing.assert_close(logits[i].t(), out.detach())
        torch.testing.assert_close(summed[i] / 8, expected.detach().double(), rtol=1e-5, atol=1e-6)
        answers = out.argmax(1) if outputs > 1 else (out[:, 0] > 0).long()
        assert right[i] == (answers == y[i, 0]).sum()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(gradients[name][i], parameter.grad, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("make", "kind"), [(lambda: mlp(nn.ReLU), Dense), (Residual, Vmapped), (Recurrent, Serial)])
def test_evaluation_takes_samples_that_all_runs_share(make, kind):
    models, stack, _ = stacked(make, kind)
    x = torch.randn(1, 9, 6)
    logits = stack.forward(x)
    for i, model in enumerate(models):
        torch.testing.assert_close(logits[i].t(), model.eval()(x[0]).detach())


@pytest.mark.parametrize("kind", [Dense, Vmapped, Serial])
def test_units_that_are_above_zero_for_no_sample_are_told(kind):
    made = []

    def build():
        first = nn.Linear(6, 4)
        with torch.no_grad():
            first.weight.zero_()
            first.bias.copy_(torch.tensor([1.0, 0, 0, -1]))  # on for every sample, for none, for none, for none
            first.weight[1, 2] = len(made) == 1  # of the second run: on where feature 2 is above 0
        made.append(first)
        return nn.Sequential(first, nn.ReLU(), nn.Linear(4, 3))

    _, stack, _ = stacked(build, kind)
    x = -torch.ones(3, 5, 6)
    x[:, 4, 2] = 0.5
    stack.forward(x)
    (active,) = stack.active().values()
    assert active.tolist() == [[True, False, False, False], [True, True, False, False], [True, False, False, False]]


@pytest.mark.parametrize("kind", [Vmapped, Serial])
def test_a_convolutions_units_are_its_channels(kind):
    _, stack, _ = stacked(conv, kind)
    stack.forward(torch.randn(3, 7, 6))
    assert {name: tuple(active.shape) for name, active in stack.active().items()} == {"2": (3, 4)}


@pytest.mark.parametrize("kind", [Vmapped, Serial])
def test_a_module_that_looks_at_its_own_relu_computes_what_it_did(kind):
    class Own(nn.ReLU):
        def __init__(self) -> None:
            super().__init__()
            self.slope = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * self.slope

    class Looks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.act = nn.Linear(6, 5), nn.Linear(5, 3), Own()

        def forward(self, x: Tensor) -> Tensor:
            h = self.act(self.a(x))
            return self.act(self.b(h)) if isinstance(self.act, nn.ReLU) and not self.act.inplace else self.b(h)

    models, stack, gradients = stacked(Looks, kind)
    x = torch.randn(3, 7, 6)
    torch.testing.assert_close(stack.forward(x)[1].t(), models[1](x[1]).detach())
    assert {name: tuple(active.shape) for name, active in stack.active().items()} == {"act": (3, 5)}
    stack.start_epoch(1)
    stack.forward(x, training=True)
    stack.backward(torch.ones(3, 3, 7))
    assert gradients["act.slope"].abs().min() > 0


def test_a_relu_that_only_some_runs_call_is_told_of_all():
    class Sometimes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.act = nn.Linear(6, 3), nn.ReLU()
            self.register_buffer("calls", torch.tensor(float(next(turn))))

        def forward(self, x: Tensor) -> Tensor:
            return self.act(self.a(x)) if self.calls > 0 else self.a(x)

    for calls, shape in (([0, 1, 1], (3, 3)), ([0, 0, 0], (3, 0))):
        turn = iter(calls)
        _, stack, _ = stacked(Sometimes, Serial)
        stack.forward(torch.randn(3, 7, 6))
        active = stack.active()["act"]
        assert active.shape == shape and not active[0].any()


@pytest.mark.parametrize("kind", [Vmapped, Serial])
def test_dropout_of_any_module_is_drawn_and_scaled(kind):
    class Noise(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop, self.out = nn.Dropout(0.25), nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            self.out(x)
            return self.drop(torch.ones_like(x)) * 1.0

    _, stack, _ = stacked(Noise, kind)
    stack.start_epoch(1)
    first = stack.forward(torch.ones(3, 500, 6), training=True)
    assert first.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert abs((first == 0).float().mean() - 0.25) < 0.03
    assert not torch.equal(first, stack.forward(torch.ones(3, 500, 6), training=True))
    assert torch.equal(stack.forward(torch.ones(3, 500, 6)), torch.ones(3, 6, 500))
    stack.start_epoch(1)
    assert torch.equal(first, stack.forward(torch.ones(3, 500, 6), training=True))


class Noisy(nn.Module):
    """Draws random numbers by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x + torch.randn_like(x) if self.training else x)


def test_what_a_module_draws_by_itself_is_its_runs_and_no_others():
    """Alone or in company, whatever was drawn before, anew at every step, again when the epoch is begun again."""
    x = torch.ones(3, 8, 6)

    def steps(runs: int) -> list[Tensor]:
        _, stack, _ = stacked(Noisy, Serial, runs)
        stack.start_epoch(1)
        before = torch.get_rng_state()
        found = [stack.forward(x[:runs], training=True) for _ in range(2)]
        stack.start_epoch(2)
        found.append(stack.forward(x[:runs], training=True))
        stack.start_epoch(1)
        found.append(stack.forward(x[:runs], training=True))
        assert torch.equal(torch.get_rng_state(), before)
        return found

    alone, company = steps(1), steps(3)
    for one, beside in zip(alone, company, strict=True):
        assert torch.equal(one[0], beside[0])
    first, second, other, again = company
    assert torch.equal(first, again) and not torch.equal(first, second) and not torch.equal(first, other)
    noise = [logits - model.out(x[0]).t() for logits, model in zip(first, stacked(Noisy, Serial)[0], strict=True)]
    assert not any(torch.equal(noise[0], of_other) for of_other in noise[1:])


def test_batch_statistics_stay_with_their_run():
    _, stack, _ = stacked(Residual, Vmapped)
    stack.start_epoch(1)
    before = stack.buffers["norm.running_mean"].clone()
    stack.forward(torch.stack([torch.zeros(8, 6), torch.randn(8, 6), torch.randn(8, 6) + 5]), training=True)
    after = stack.buffers["norm.running_mean"]
    assert not torch.equal(before[1], after[1]) and not torch.equal(after[1], after[2])


def test_the_fastest_way_that_keeps_the_bits_is_chosen():
    assert executor([mlp(nn.ReLU) for _ in range(4)], (6,), [8]) == (Dense, None)
    assert executor([Residual(10, 64, 64) for _ in range(4)], (64,), [32, 23, 128]) == (Vmapped, None)
    kind, why = executor([Recurrent() for _ in range(4)], (6,), [8])
    assert kind is Serial and "vmap can't map Recurrent" in why


class Twice(nn.Module):
    """One dropout layer used twice, at different widths, and under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.drop = self.also = nn.Dropout(0.5)
        self.out = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.out(x)
        return torch.cat([self.drop(torch.ones_like(x)), self.also(torch.ones_like(x)), self.drop(torch.ones(8, 2))], 1)


@pytest.mark.parametrize("kind", [Vmapped, Serial])
def test_every_use_of_a_dropout_layer_has_a_mask_of_its_own(kind):
    _, stack, _ = stacked(Twice, kind)
    stack.start_epoch(1)
    out = stack.forward(torch.ones(3, 8, 6), training=True)
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(out[:, :6], out[:, 6:12])


def test_frozen_parameters_and_whole_number_buffers_stay_with_their_run():
    def make():
        model = Residual()
        model.a.weight.requires_grad_(False)
        return model

    models, stack, gradients = stacked(make, Vmapped)
    assert "a.weight" not in gradients and "a.weight" in stack.buffers
    stack.start_epoch(1)
    stack.backward(stack.forward(torch.randn(3, 8, 6), training=True))
    assert stack.buffers["norm.num_batches_tracked"].tolist() == [1, 1, 1]
    assert torch.equal(stack.buffers["a.weight"][2], models[2].a.weight)
