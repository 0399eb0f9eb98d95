"""Every place of a training step where a regularizer may act, by small regularizers in own/, one or more for each.

Whatever is listed in STRENGTHS goes through the generic tests, in the real training loop. Then come facts that can be
worked out by hand.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate import models, regularizers
from ablate.config import registration
from ablate.config.schema import Config
from ablate.execution.runs import run_all
from ablate.execution.stack_run import train_stack
from ablate.options.discovery import using
from ablate.records import checkpoints
from ablate.records.job import Job
from ablate.training.engine import Row, train
from ablate.training.stack import Stack
from ablate.training.stackable import signature
from ablate.utils.errors import ConfigError
from ablate.utils.seeds import INITIALISATION, REGULARIZER, Draws, derive
from helpers import figures, parts, slow_ones, trained

OWN = Path(__file__).with_name("own")
SMALL = ("model.hidden=[12]", "trainer.epochs=3", "logging.images=false", "logging.histograms=0")

# All that training applies by itself, ours and those in own/, at a strength that shows.
STRENGTHS = {
    "clipping": 0.05, "confidence_penalty": 0.2, "decoupled": 0.2, "ema": 0.9, "gradient_noise": 0.02, "hoyer": 1e-3,
    "input_noise": 0.3, "l1": 3e-4, "l1_proximal": 0.1, "l2": 1e-3, "label_smoothing": 0.1, "max_norm": 0.5,
    "mixup": 0.8, "sam": 0.1, "soft_threshold": 0.1, "swa": 40,
}  # fmt: skip
# Where one model after the other is run, or vmap; hooks that read more than an element at a time are the ones to watch.
FUNCTIONAL = ("clipping", "confidence_penalty", "ema", "gradient_noise", "hoyer", "input_noise", "label_smoothing",
              "max_norm", "mixup", "sam")  # fmt: skip
MODELS = {
    "by hand": (),
    "by hand, two classes": ("dataset=noise",),
    "run after run": ("model=lenet", "model.channels=[2,3]", "model.hidden=[8]", "trainer.epochs=2"),
    "vmapped, batch statistics": (f"hydra.searchpath=[file://{OWN}]", "model=normed"),
}
EVERY = [(name, model) for model in MODELS for name in STRENGTHS if model.startswith("by hand") or name in FUNCTIONAL]
SLOW = [each for each in EVERY if each[1] != "by hand"]


@pytest.fixture(autouse=True)
def own() -> Iterator[None]:
    with using([OWN]):
        yield
    registration.register()  # without them


@pytest.fixture
def small(configured) -> Callable[..., Config]:
    def make(*overrides: str) -> Config:
        # What a model doesn't have is not asked of it.
        base = [text for text in SMALL if not (text.startswith("model.") and "model=normed" in overrides)]
        return configured(*base, *overrides)

    return make


def on(name: str, times: float = 1) -> str:
    return f"regularizer.{name}={STRENGTHS[name] * times:g}"


def same(one: list[Row], other: list[Row]) -> None:
    """Two runs have the same figures and end with the same weights, to the last bit."""
    assert figures(one) == figures(other)
    state, others = one[-1].ending.state, other[-1].ending.state
    assert all(torch.equal(state[name], others[name]) for name in state)


def together(configs: list[Config]) -> dict[int, list[Row]]:
    """The rows of every run, in as few stacks as they can share."""
    stacks: dict[str, list[int]] = defaultdict(list)
    for i, config in enumerate(configs):
        stacks[signature(config)].append(i)
    return {i: rows for own in stacks.values() for i, rows in zip(own, trained([configs[i] for i in own]), strict=True)}


def test_all_regularizers_are_listed_and_act_at_every_place():
    assert set(STRENGTHS) == set(regularizers.acting())
    found = [regularizers.get(name) for name in regularizers.names()]
    assert {hook for hook in regularizers.HOOKS if any(getattr(one, hook) for one in found)} == set(regularizers.HOOKS)


@pytest.mark.parametrize(("name", "model"), slow_ones(EVERY, SLOW))
def test_a_run_has_the_same_bits_alone_and_in_company_and_strength_0_is_none(small, name, model):
    other = "l1" if name == "l2" else "l2"
    arms = [
        (on(name),),
        (f"regularizer.{name}=0",),
        (on(name, 0.5), "optimizer.lr=0.003", "seed=1"),
        (f"regularizer.{name}=0", "optimizer.lr=0.003"),
        (on(name), on(other), "regularizer.dropout=0.2", "seed=2"),
        ("regularizer.dropout=0.3", "seed=2", "trainer.epochs=1"),
        (on(other), "seed=1"),
        (on(name), "seed=1", "trainer.epochs=1"),
        (on(name), "seed=3", "early_stopping=patience", "early_stopping.patience=1", "early_stopping.min_delta=9"),
        (on(name), "seed=3", "early_stopping=patience", "regularizer.layers=hidden"),
    ]
    configs = [small(*MODELS[model], *arm) for arm in arms]
    company = together(configs)
    assert len({len(rows) for rows in company.values()}) > 1  # some left before others
    for i, config in enumerate(configs):
        torch.set_num_threads(1 + i % 2)
        same(trained([config])[0], company[i])


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONAL)
def test_a_wide_run_whose_products_are_cut_for_threads_has_the_same_bits_too(configured, name):
    wide = ("model.hidden=[256,256]", "trainer.batch_size=128", "trainer.epochs=1", "dataset.scaling=unit")
    configs = [configured(*wide, on(name), f"seed={seed}") for seed in (0, 1)]
    torch.set_num_threads(2)
    assert Stack(configs).parallelism == 2
    company = trained(configs)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        same(trained([configs[1]])[0], company[1])


@pytest.mark.parametrize(("name", "model"), EVERY)
def test_it_changes_what_comes_out(small, name, model):
    ((*_, with_it),), ((*_, without),) = (trained([small(*MODELS[model], *arm)]) for arm in ((on(name),), ()))
    kernels = [key for key in without.ending.state if key.endswith("weight")]
    assert not any(torch.equal(with_it.ending.state[key], without.ending.state[key]) for key in kernels)
    assert with_it.figures["loss/val"] != without.figures["loss/val"]


@pytest.mark.parametrize(("name", "model"), slow_ones(EVERY, SLOW))
def test_a_run_that_goes_on_from_a_checkpoint_ends_with_the_same_bits_alone_or_in_other_company(small, name, model):
    more = (*MODELS[model], "trainer.epochs=4", "trainer.checkpoint_every=2", "regularizer.dropout=0.2")
    configs = [small(*more, on(name), "early_stopping=patience", f"seed={seed}") for seed in (3, 4)]
    whole = [trained([config])[0] for config in configs]
    saved = [rows[1].checkpoint for rows in whole]
    assert {checkpoint.epoch for checkpoint in saved} == {2}
    for which in ([0], [1, 0]):
        rows: dict[int, list[Row]] = {i: whole[i][:2] for i in which}
        for epoch in train([configs[i] for i in which], [saved[i] for i in which]):
            for row in epoch:
                rows[which[row.run]].append(row)
        for i in which:
            same(rows[i], whole[i])


def test_an_average_goes_through_the_files_of_a_checkpoint(small, tmp_path):
    config = small(on("ema"), "trainer.epochs=5", "trainer.checkpoint_every=2")
    whole, killed = (Job(config, tmp_path / name) for name in ("whole", "killed"))
    list(run_all([whole]))
    stopped = train_stack([killed])
    list(islice(stopped, 3))
    stopped.close()
    assert checkpoints.epoch(killed) == 2
    ((_, result),) = run_all([killed])
    assert result["status"] == "finished"
    one, other = ((job.folder / "model.safetensors").read_bytes() for job in (whole, killed))
    assert one == other


# By hand. One step of plain SGD on all samples at once, so that it can be followed.

STEP = ("trainer.epochs=1", "trainer.batch_size=10000", "optimizer=sgd", "optimizer.momentum=0", "optimizer.lr=0.5")
KERNELS = ("hidden1.weight", "output.weight")


def started(config: Config) -> nn.Module:
    """The model of a run before its first step."""
    found = parts(config)
    return models.build(config.model, found.shape, found.outputs, derive(config.seed, INITIALISATION))


def after(config: Config) -> dict[str, Tensor]:
    """The weights that a run ends with."""
    return trained([config])[0][-1].ending.state


def stepped(
    config: Config, loss: Callable[[Tensor, Tensor, nn.Module], Tensor], x: Tensor | None = None
) -> dict[str, Tensor]:
    """The weights after one step by autograd. loss: of logits, classes and the model."""
    model, train_part = started(config), parts(config).train
    loss(model(train_part.x if x is None else x), train_part.y, model).backward()
    return {name: (w - config.optimizer.lr * w.grad).detach() for name, w in model.named_parameters()}


def close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6)


def cross_entropy(logits: Tensor, y: Tensor, model: nn.Module) -> Tensor:
    return F.cross_entropy(logits, y)


def test_the_step_that_the_rest_is_compared_with_is_right(small):
    config = small(*STEP)
    close(after(config), stepped(config, cross_entropy))


def test_label_smoothing_has_the_gradient_of_pytorchs(small):
    config = small(*STEP, "regularizer.label_smoothing=0.2")
    close(after(config), stepped(config, lambda z, y, model: F.cross_entropy(z, y, label_smoothing=0.2)))


def test_of_two_classes_targets_are_the_probability_of_class_1(small):
    config = small(*STEP, "dataset=noise", "regularizer.label_smoothing=0.2")

    def smoothed(z: Tensor, y: Tensor, model: nn.Module) -> Tensor:
        return F.binary_cross_entropy_with_logits(z[:, 0], 0.8 * y + 0.1)

    close(after(config), stepped(config, smoothed))


def test_the_loss_that_is_reported_is_that_of_the_targets_as_they_were(small):
    config = small(*STEP, "regularizer.label_smoothing=0.2")
    ((last,),) = trained([config])
    model = started(config)
    model.load_state_dict(last.ending.state)
    found = parts(config)
    for name in ("train", "val"):
        part = getattr(found, name)
        assert last.figures[f"loss/{name}"] == pytest.approx(F.cross_entropy(model(part.x), part.y).item(), rel=1e-5)


@pytest.mark.parametrize("strength", [0.3, -0.3])
@pytest.mark.parametrize("dataset", ["digits", "noise"])
def test_a_confidence_penalty_is_autograds_and_below_0_where_that_is_allowed_a_reward(small, dataset, strength):
    config = small(*STEP, f"dataset={dataset}", f"regularizer.confidence_penalty={strength}")

    def penalised(z: Tensor, y: Tensor, model: nn.Module) -> Tensor:
        if z.shape[1] == 1:
            p = torch.cat([z, -z], 1).sigmoid()
            loss = F.binary_cross_entropy_with_logits(z[:, 0], y.float())
        else:
            p, loss = z.softmax(1), F.cross_entropy(z, y)
        return loss + strength * (p * p.log()).sum(1).mean()

    close(after(config), stepped(config, penalised))


def drawn(name: str, seed: int, *shape: int) -> Tensor:
    """The normal numbers of a regularizer in a run's first epoch."""
    generator = torch.Generator().manual_seed(derive(seed, REGULARIZER, 1, zlib.crc32(name.encode())))
    return Draws([generator], "cpu").normal(*shape)[0]


def test_noise_on_the_inputs_is_a_runs_own_and_on_no_filling(small):
    config = small(*STEP, "seed=5", "regularizer.input_noise=0.3")
    stack = Stack([config])
    ((x, _, _, real),) = stack.data.batches([5], 1, 10_000, True)
    samples = len(parts(config).train)
    assert real == samples < x.shape[1]
    order = next(iter(Stack([config]).data.batches([5], 1, 10_000, False)))
    model = started(config)
    noisy = order[0][0] + 0.3 * drawn("input_noise", 5, samples, 1, 8, 8)
    F.cross_entropy(model(noisy), order[1][0, 0]).backward()
    close(after(config), {name: (w - 0.5 * w.grad).detach() for name, w in model.named_parameters()})


@pytest.mark.parametrize("dataset", ["digits", "noise"])
def test_targets_are_mixed_as_their_samples_are(small, dataset):
    config = small(*STEP, f"dataset={dataset}", "seed=5", "regularizer.mixup=0.8")
    x, y, *_ = next(iter(Stack([config]).data.batches([5], 1, 10_000, False)))
    generator = torch.Generator().manual_seed(derive(5, REGULARIZER, 1, zlib.crc32(b"mixup")))
    other = torch.randperm(x.shape[1], generator=generator)
    share = 0.8 / 2 * torch.rand((), generator=generator)
    model = started(config)
    logits = model((1 - share) * x[0] + share * x[0, other])
    if dataset == "digits":
        loss = (1 - share) * F.cross_entropy(logits, y[0, 0]) + share * F.cross_entropy(logits, y[0, 0, other])
    else:
        mixed = (1 - share) * y[0, 0] + share * y[0, 0, other]
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], mixed)
    loss.backward()
    close(after(config), {name: (w - 0.5 * w.grad).detach() for name, w in model.named_parameters()})


@pytest.mark.parametrize("name", ["gradient_noise", "sam", "ema"])
def test_the_filling_of_a_row_stays_0(small, name):
    stack = Stack([small(*STEP, on(name))])
    stack.train_epoch(1)
    end = stack.slots[-1].end
    for rows in (stack.parameters.weights, stack.gradients, stack.judged.weights):
        assert rows.shape[1] > end and not rows[:, end:].any() and rows[:, :end].any()


def test_noise_on_gradients_is_added_to_every_parameter(small):
    noisy, plain = after(small(*STEP, "seed=5", "regularizer.gradient_noise=0.25")), after(small(*STEP, "seed=5"))
    added = {name: (plain[name] - noisy[name]) / (0.5 * 0.25) for name in plain}
    sizes = [value.numel() for value in added.values()]
    numbers = drawn("gradient_noise", 5, -(-sum(sizes) // 64) * 64)[: sum(sizes)]
    for value, expected in zip(added.values(), numbers.split(sizes), strict=True):
        torch.testing.assert_close(value.flatten(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("most", "length"), [(0.01, 0.5 * 0.01), (1e6, None)])
def test_a_clipped_step_is_as_long_as_the_norm_allows(small, most, length):
    config = small(*STEP, f"regularizer.clipping={most}")
    clipped, plain, begin = after(config), after(small(*STEP)), started(config).state_dict()
    moved = torch.cat([(clipped[name] - begin[name]).flatten() for name in begin])
    whole = torch.cat([(plain[name] - begin[name]).flatten() for name in begin])
    assert moved.norm().item() == pytest.approx(length or whole.norm().item(), rel=1e-3)
    assert F.cosine_similarity(moved, whole, dim=0) > 1 - 1e-5


def test_sam_steps_by_the_gradient_uphill(small):
    config = small(*STEP, "regularizer.sam=0.4")
    model, train_part = started(config), parts(config).train
    begin = {name: w.detach().clone() for name, w in model.named_parameters()}
    first = torch.autograd.grad(F.cross_entropy(model(train_part.x), train_part.y), list(model.parameters()))
    norm = torch.cat([g.flatten() for g in first]).norm()
    with torch.no_grad():
        for w, g in zip(model.parameters(), first, strict=True):
            w += 0.4 * g / norm
    F.cross_entropy(model(train_part.x), train_part.y).backward()
    uphill = {name: begin[name] - 0.5 * w.grad for name, w in model.named_parameters()}
    plain = stepped(config, cross_entropy)
    assert (uphill["output.weight"] - plain["output.weight"]).abs().max() > 1e-3
    close(after(config), uphill)


def test_a_run_with_a_second_pass_shares_a_stack_with_such_runs_only(small):
    one, other, plain, noisy = (
        small(*arm) for arm in ((on("sam"),), (on("sam", 2), on("ema")), (), (on("input_noise"),))
    )
    assert signature(one) == signature(other) != signature(plain) == signature(noisy)


def test_both_passes_of_sam_have_the_same_masks(small):
    more = ("regularizer.dropout=0.5", "trainer.epochs=2")
    (still,), (plain,) = trained([small("regularizer.sam=1e-30", *more)]), trained([small(*more)])
    same(still, plain)  # the weights don't move uphill by so little: the second pass gives the gradient of the first


def test_no_statistics_of_sams_second_pass_are_kept(small):
    model = (f"hydra.searchpath=[file://{OWN}]", "model=normed", *STEP)
    with_it, without = after(small(*model, "regularizer.sam=5.0")), after(small(*model))
    for name in ("2.running_mean", "2.running_var", "2.num_batches_tracked"):
        assert torch.equal(with_it[name], without[name]) and with_it["2.num_batches_tracked"] == 1
    assert not torch.equal(with_it["1.weight"], without["1.weight"])


def test_decay_takes_learning_rate_times_strength_of_the_kernels_off_after_the_step(small):
    decayed = after(small(*STEP, "regularizer.decoupled=0.25"))
    plain = after(small(*STEP))
    for name, value in plain.items():
        assert torch.equal(decayed[name], value * (1 - 0.5 * 0.25) if name in KERNELS else value)


def test_without_a_gradient_decay_alone_moves_the_weights(small):
    shrunk = after(small(*STEP, "regularizer.clipping=1e-30", "regularizer.decoupled=0.25"))  # next to none
    for name, value in started(small(*STEP)).state_dict().items():
        assert torch.equal(shrunk[name], value * (1 - 0.5 * 0.25) if name in KERNELS else value)


@pytest.mark.parametrize("name", ["decoupled", "soft_threshold", "max_norm", "hoyer"])
def test_the_output_layer_can_be_left_alone(small, name):
    hidden = after(small(*STEP, on(name), "regularizer.layers=hidden"))
    every, plain = after(small(*STEP, on(name))), after(small(*STEP))
    assert torch.equal(hidden["output.weight"], plain["output.weight"])
    assert not torch.equal(every["output.weight"], plain["output.weight"])
    assert torch.equal(hidden["hidden1.weight"], every["hidden1.weight"])
    assert all(torch.equal(every[bias], plain[bias]) for bias in ("hidden1.bias", "output.bias"))


def test_soft_thresholding_in_a_folder_of_ones_own_is_the_bundled_one(small):
    (own,), (bundled,) = (trained([small(f"regularizer.{name}=1.0")]) for name in ("soft_threshold", "l1_proximal"))
    assert own[-1].figures["penalty"] == bundled[-1].figures["penalty"] > 0
    for name, value in bundled[-1].ending.state.items():
        torch.testing.assert_close(own[-1].ending.state[name], value, rtol=0, atol=1e-6)
    assert 0.1 < own[-1].figures["weights/zeros"] < 1


def test_no_unit_has_longer_incoming_weights_than_max_norm_allows(small):
    bounded, free = after(small("regularizer.max_norm=0.5")), after(small())
    for name in KERNELS:
        norms = bounded[name].norm(dim=1)
        assert norms.max() <= 0.5 * (1 + 1e-6) and (norms > 0.5 * (1 - 1e-5)).any()
        assert (free[name].norm(dim=1) > 0.5).any()


def test_after_the_step_come_decay_then_the_proximal_operator_then_the_projection(small):
    together = after(
        small(*STEP, "regularizer.decoupled=0.25", "regularizer.soft_threshold=0.02", "regularizer.max_norm=0.5")
    )
    for name, value in after(small(*STEP)).items():
        if name in KERNELS:
            value = value * (1 - torch.tensor(0.25) * 0.5)
            value = value.sign() * (value.abs() - torch.tensor(0.02) * 0.5).clamp(min=0)
            value = value * (0.5 / value.norm(dim=1, keepdim=True)).clamp(max=1)
        torch.testing.assert_close(together[name], value, rtol=1e-6, atol=1e-8)


def test_max_norm_of_a_convolution_is_a_channels(small):
    state = after(small(*MODELS["run after run"], "regularizer.max_norm=0.5"))
    for name in ("conv1.weight", "conv2.weight"):
        norms = state[name].flatten(1).norm(dim=1)
        assert norms.max() <= 0.5 * (1 + 1e-6) and (norms > 0.5 * (1 - 1e-5)).any()


def one_step_an_epoch(small, epochs: int, *more: str) -> list[Row]:
    return trained([small(*STEP, f"trainer.epochs={epochs}", *more)])[0]


def test_the_weights_that_are_kept_are_the_average_by_hand(small):
    memory = started(small(*STEP)).state_dict()
    for epoch in range(1, 5):
        weights = one_step_an_epoch(small, epoch)[-1].ending.state
        memory = {name: memory[name] * 0.7 + weights[name] * (1 - torch.tensor(0.7)) for name in memory}
    kept = one_step_an_epoch(small, 4, "regularizer.ema=0.7")[-1].ending.state
    for name, value in memory.items():
        assert torch.equal(kept[name], value)


def test_a_mean_from_some_step_on_is_one_of_the_weights_of_these_steps(small):
    weights = [one_step_an_epoch(small, epoch)[-1].ending.state for epoch in (3, 4, 5)]
    kept = one_step_an_epoch(small, 5, "regularizer.swa=3")[-1].ending.state
    for name, value in kept.items():
        torch.testing.assert_close(value, torch.stack([state[name] for state in weights]).mean(0), rtol=1e-5, atol=1e-6)


def test_an_average_is_judged_every_epoch_and_training_goes_on_without_it(small):
    rows = one_step_an_epoch(small, 3, "regularizer.ema=0.7")
    model, found = started(small(*STEP)), parts(small(*STEP))
    for epoch, row in enumerate(rows, start=1):
        model.load_state_dict(one_step_an_epoch(small, epoch, "regularizer.ema=0.7")[-1].ending.state)
        expected = F.cross_entropy(model(found.val.x), found.val.y).item()
        assert row.figures["loss/val"] == pytest.approx(expected, rel=1e-5)
    assert rows[-1].ending.metrics["loss/val"] == rows[-1].figures["loss/val"]
    same_gradients = [f"gradients/{layer}" for layer in ("hidden1", "output")]
    for row, plain in zip(rows, one_step_an_epoch(small, 3), strict=True):
        assert [row.figures[name] for name in same_gradients] == [plain.figures[name] for name in same_gradients]


def test_the_average_of_the_best_epoch_is_restored(small):
    more = (on("ema"), "dataset=noise", "model.hidden=[64]", "optimizer.lr=0.02", "seed=5")
    stopping = ("early_stopping=patience", "early_stopping.patience=3", "trainer.epochs=40")
    (stopped,) = trained([small(*more, *stopping)])
    best = stopped[-1].ending.best_epoch
    assert stopped[-1].ending.stopped_epoch == best + 3
    (exact,) = trained([small(*more, f"trainer.epochs={best}")])
    state = stopped[-1].ending.state
    assert all(torch.equal(state[name], value) for name, value in exact[-1].ending.state.items())
    assert stopped[-1].ending.metrics == exact[-1].ending.metrics


def test_a_second_average_is_refused(small):
    with pytest.raises(ConfigError, match=r"regularizer\.swa=40\.0: goes without ema: of a run's weights one average"):
        small(on("ema"), on("swa"))


def test_a_penalty_without_a_closed_form_is_autograds(small):
    config = small(*STEP, "regularizer.hoyer=0.01")

    def penalised(z: Tensor, y: Tensor, model: nn.Module) -> Tensor:
        kernels = [w for name, w in model.named_parameters() if name in KERNELS]
        return F.cross_entropy(z, y) + 0.01 * sum(w.abs().sum() ** 2 / w.square().sum() for w in kernels)

    close(after(config), stepped(config, penalised))
    ((last,),) = trained([config])
    kernels = [last.ending.state[name].double() for name in KERNELS]
    expected = 0.01 * sum(w.abs().sum() ** 2 / w.square().sum() for w in kernels).item()
    assert last.figures["penalty"] == pytest.approx(expected, rel=1e-6)
    assert last.figures["objective"] == last.figures["loss/train"] + last.figures["penalty"]


NOISY = (f"hydra.searchpath=[file://{OWN}]", "model=noisy")


@pytest.fixture
def noisy(configured) -> Callable[..., Config]:
    return lambda *overrides: configured(*NOISY, "trainer.epochs=3", *overrides)


def test_masks_of_ones_own_layer_have_the_same_bits_alone_and_in_company(noisy):
    arms = [("model.noise=0.5",), ("model.noise=0.0", "optimizer.lr=0.003"), (), ("model.noise=0.2", "seed=1")]
    arms += [("model.noise=0.5", "seed=2", "trainer.epochs=1"), ("regularizer.scaled_noise=0.5", "seed=4")]
    configs = [noisy(*arm) for arm in arms]
    company = together(configs)
    for i, config in enumerate(configs):
        same(trained([config])[0], company[i])
    assert figures(company[0]) != figures(company[2])


def test_a_run_whose_layer_has_no_strength_is_not_masked_whatever_masks_its_neighbours_have(configured):
    coins = (f"hydra.searchpath=[file://{OWN}]", "model=coin", "trainer.epochs=2")
    tossed, plain, far = ("model.toss=1",), ("model.toss=0",), ("model.toss=1", "optimizer.lr=0.003")
    configs = [configured(*coins, *arm) for arm in (tossed, plain, far)]
    company = together(configs)
    for i, config in enumerate(configs):
        same(trained([config])[0], company[i])
    assert figures(company[0]) != figures(company[1])


def test_masks_of_ones_own_multiply_in_training_and_never_in_evaluation(noisy):
    config = noisy("model.noise=0.5", *STEP)
    stack = Stack([config])
    stack.model.start_epoch(1)
    x = torch.randn(1, 3000, 1, 8, 8)
    hidden = stack.models[0][:3](x[0]).detach()
    (masks,) = stack.model.masks
    stack.model.forward(x, training=True)
    (mask,) = masks.masks.values()
    assert mask.shape == (1, 3000, 12)
    assert mask.mean().item() == pytest.approx(1, abs=0.02) and mask.std().item() == pytest.approx(0.5, abs=0.02)
    output = stack.models[0][4]
    torch.testing.assert_close(stack.model.forward(x, training=False)[0].t(), output(hidden).detach())


def test_the_strength_of_masks_is_their_layers_own_and_0_draws_none(noisy):
    config = noisy()
    assert config.regularizer.scaled_noise == 0 and Stack([config]).model.masks == []
    assert noisy("regularizer.scaled_noise=0.25").model.noise == 0.25
    assert "scaled_noise" not in config.strengths
