"""Who a run is: which keys decide its result, and what else does."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from ablate import data, models, regularizers
from ablate.config import identity, registration
from ablate.config.checks import check
from ablate.config.identity import arm_id, changed, data_settings, decisive, run_id, settings, settings_id
from ablate.config.schema import LOSSES, OPTIMIZERS, Config, EarlyStopping, Logging, Stacking, Trainer
from ablate.options.discovery import using
from ablate.options.target import TargetDataset, TargetModel
from ablate.records.job import Job
from ablate.training import numerics
from helpers import forget_splits

ORIGIN = identity.origin({"ablate.models.mlp": "1"}, "samples", "cpu")

# Every key of every option is in one of these two, with another value than the option's. A key that is in neither is
# new: does it decide a result?
MATTERS: dict[str, str] = {
    "seed": "1",
    "dataset.val_fraction": "0.15",
    "dataset.test_fraction": "0.25",
    "dataset.split_seed": "null",
    "dataset.scaling": "unit",
    "dataset.size": "500",
    "dataset.samples": "50",
    "dataset.features": "7",
    "dataset.path": "other.csv",
    "dataset.target": "other",
    "dataset.separator": "pipe",
    "dataset.decimal": "comma",
    "dataset.encoding": "latin-1",
    "dataset.quote": "none",
    "dataset.sheet": "Second",
    "dataset.missing": "impute",
    "dataset.rare": "0.1",
    "dataset.number": "[a]",
    "dataset.category": "[a]",
    "dataset.date": "[a]",
    "dataset.ignore": "[a]",
    "dataset.group": "a",
    "dataset.time": "a",
    "dataset.weight": "a",
    "dataset.x": "other",
    "dataset.y": "other",
    "dataset.test_x": "other",
    "dataset.test_y": "other",
    "dataset.val_x": "other",
    "dataset.val_y": "other",
    "dataset.channels": "1",
    "dataset.id": "61",
    "dataset.called": "iris",
    "dataset.version": "2",
    "dataset.kind": "regression",
    "dataset.informative": "3",
    "dataset.noise": "0.7",
    "dataset.classes": "3",
    "model.hidden": "[8]",
    "model.channels": "[3,3]",
    "model.activation": "tanh",
    "model.dropout": "0.3",
    "model.input_dropout": "0.1",
    "model.init": "keras",
    "regularizer.dropout": "0.3",
    "regularizer.l1": "0.01",
    "regularizer.l2": "0.01",
    "regularizer.l1_proximal": "0.01",
    "regularizer.layers": "hidden",
    "early_stopping.monitor": "loss/train",
    "early_stopping.patience": "7",
    "early_stopping.min_delta": "0.01",
    "early_stopping.baseline": "0.5",
    "early_stopping.start_from_epoch": "3",
    "early_stopping.restore_best_weights": "false",
    "optimizer.lr": "0.02",
    "optimizer.beta1": "0.8",
    "optimizer.beta2": "0.8",
    "optimizer.eps": "1.0e-3",
    "optimizer.weight_decay": "0.3",
    "optimizer.momentum": "0.5",
    "optimizer.nesterov": "true",
    "optimizer.alpha": "0.8",
    "trainer.epochs": "7",
    "trainer.batch_size": "16",
    "task": "multiclass",
    "loss.class_weights": "balanced",
    "loss.delta": "2.0",
}
DOES_NOT: dict[str, str] = {
    "device": "cpu",
    "rerun": "all",
    "dataset.root": "elsewhere",
    "dataset.in_memory": "true",
    "trainer.checkpoint_every": "1",
    "logging.tensorboard": "false",
    "logging.histograms": "0",
    "logging.images": "false",
    "logging.graph": "false",
    "stack.size": "1",
    "stack.workers": "2",
}
GROUPS = {"trainer": Trainer, "logging": Logging, "stack": Stacking, "early_stopping": EarlyStopping}
# What a key needs beside it to have a say.
WITH = {
    "regularizer.layers": ("regularizer=l1",),
    "optimizer.nesterov": ("optimizer.momentum=0.9",),
}


def keys() -> Iterator[tuple[str, str]]:
    """Every key of the whole schema, with the option that it is of, chosen as one types it."""
    groups = {*GROUPS, "dataset", "model", "loss", "optimizer", "regularizer"}
    yield from (("", key) for key in Config.model_fields if key not in groups)
    of_groups = (f"{group}.{key}" for group, schema in GROUPS.items() for key in schema.model_fields)
    yield from (("", key) for key in of_groups if key != "early_stopping.mode")  # has a test of its own
    yield from (("", f"regularizer.{key}") for key in (*regularizers.names(), "layers"))
    of_options = {f"dataset={name}": data.schema({"name": name}) for name in data.names()}
    of_options |= {f"model={name}": models.schema({"name": name}) for name in models.names()}
    of_options |= {f"optimizer={name}": schema for name, schema in OPTIMIZERS.items()}
    of_options |= {f"loss={name}": schema for name, schema in LOSSES.items()}
    for option, schema in of_options.items():
        group = option.partition("=")[0]
        yield from ((option, f"{group}.{key}") for key in schema.model_fields if key != "name")  # so does this


def test_every_key_is_known_to_matter_or_not_to():
    every = {key for _, key in keys()}
    assert every == MATTERS.keys() | DOES_NOT.keys() and not MATTERS.keys() & DOES_NOT.keys()


@cache
def composed(*words: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        return compose("config", list(words))


def with_key(words: tuple[str, ...], key: str, value: str) -> dict[str, Any]:
    changed = copy.deepcopy(composed(*words))
    OmegaConf.update(changed, key, yaml.safe_load(value))
    return check(changed).model_dump()


@pytest.mark.parametrize(("option", "key"), list(keys()))
def test_a_run_is_another_where_a_key_that_matters_is_and_only_then(option, key):
    beside = WITH.get(key, ("early_stopping=patience",) if key.startswith("early_stopping.") else ())
    words = tuple(word for word in (option, *beside) if word)
    one, other = check(composed(*words)).model_dump(), with_key(words, key, {**MATTERS, **DOES_NOT}[key])
    assert one != other
    assert (run_id(one, ORIGIN) != run_id(other, ORIGIN)) == (key in MATTERS)


def test_the_direction_of_early_stopping_matters(configured):
    """A key that can't be set alone: only one value goes with what is monitored."""
    config = configured("early_stopping=patience").model_dump()
    other = config | {"early_stopping": config["early_stopping"] | {"mode": "max"}}
    assert run_id(config, ORIGIN) != run_id(other, ORIGIN)


@pytest.mark.parametrize(
    ("one", "other"),
    [("dataset=digits", "dataset=noise"), ("model=mlp", "model=lenet"), ("optimizer=adam", "optimizer=adamw")],
)
def test_a_run_of_another_option_is_another(configured, one, other):
    assert run_id(configured(one).model_dump(), ORIGIN) != run_id(configured(other).model_dump(), ORIGIN)


@pytest.mark.parametrize("key", ["device", "logging", "stack", "rerun", "dataset.root", "trainer.checkpoint_every"])
def test_a_key_whose_name_begins_as_one_that_cannot_matter_does_matter(configured, key):
    """`dataset.root_class` is not `dataset.root`."""
    config = configured("dataset=mnist").model_dump()
    node = config
    *groups, last = key.split(".")
    for group in groups:
        node = node[group]
    assert key not in settings(config) and not [one for one in settings(config) if one.startswith(f"{key}.")]
    before = run_id(config, ORIGIN)
    node[f"{last}_class"] = "cats"
    assert run_id(config, ORIGIN) != before and f"{key}_class" in settings(config)


@pytest.mark.parametrize("argument", ["depth", "root_class", "size"])
def test_arguments_of_a_target_matter(configured, argument):
    config = configured().model_dump()
    for group, schema in (("model", TargetModel), ("dataset", TargetDataset)):
        nodes = [
            {"_target_": "a.b", "name": "a.b"} | more for more in ({}, {argument: 1}, {argument: 2}, {argument: [1]})
        ]
        dumped = [config | {group: schema.model_validate(node).model_dump()} for node in nodes]
        other = config | {group: schema.model_validate(nodes[0] | {"_target_": "a.c"}).model_dump()}
        assert len({run_id(one, ORIGIN) for one in (*dumped, other)}) == 5


def test_keys_without_a_say_do_not_matter(configured):
    same = [
        [],
        ["regularizer.layers=hidden"],
        ["early_stopping.min_delta=1"],
        ["model.dropout=0", "regularizer.dropout=0.3"],
    ]
    assert len({run_id(configured(*words).model_dump(), ORIGIN) for words in same}) == 1
    restored = ["early_stopping.restore_best_weights=true"]
    assert run_id(configured(*restored).model_dump(), ORIGIN) != run_id(configured().model_dump(), ORIGIN)
    assert "early_stopping.min_delta" in decisive(configured(*restored).model_dump())


def test_a_regularizer_that_is_new_leaves_the_runs_of_before_what_they_were(configured):
    now = configured("regularizer=l1").model_dump(mode="json")
    before = {**now, "regularizer": {key: now["regularizer"][key] for key in ("l1", "l2", "dropout", "layers")}}
    assert before != now and run_id(before, ORIGIN) == run_id(now, ORIGIN)
    stronger = {**now, "regularizer": now["regularizer"] | {"l1_proximal": 0.1}}
    assert run_id(stronger, ORIGIN) != run_id(now, ORIGIN)


def test_code_samples_device_and_the_version_of_training_matter(configured, monkeypatch):
    config = configured().model_dump()
    code = ORIGIN["code"]
    origins = [
        ORIGIN,
        identity.origin({**code, "mine": "1"}, "samples", "cpu"),
        identity.origin(dict.fromkeys(code, "2"), "samples", "cpu"),
        identity.origin(code, "others", "cpu"),
        identity.origin(code, "samples", "cuda"),
    ]
    monkeypatch.setattr(identity, "SEMANTICS", identity.SEMANTICS + 1)
    origins.append(identity.origin(code, "samples", "cpu"))
    assert len({run_id(config, origin) for origin in origins}) == len(origins) == 6


def test_an_arm_is_its_code_and_all_that_decides_but_seed_samples_and_device(configured):
    one, other = configured("seed=0").model_dump(), configured("seed=1", "device=cpu").model_dump()
    assert arm_id(one, {"a": "1"}) == arm_id(other, {"a": "1"})
    stronger = configured("regularizer=l1").model_dump()
    assert len({arm_id(one, {"a": "1"}), arm_id(one, {"a": "2"}), arm_id(stronger, {"a": "1"})}) == 3


def test_ids_are_short_and_do_not_depend_on_the_order_of_keys(configured):
    config = configured("regularizer=l1").model_dump()
    turned = {key: dict(reversed(node.items())) if isinstance(node, dict) else node for key, node in config.items()}
    turned = dict(reversed(turned.items()))
    code = {"b": "1", "a": "2"}
    assert run_id(config, ORIGIN) == run_id(turned, dict(reversed(ORIGIN.items())))
    assert arm_id(config, code) == arm_id(turned, dict(reversed(code.items())))
    assert settings_id(config) == settings_id(turned)
    for found, length in ((run_id(config, ORIGIN), 12), (arm_id(config, code), 4)):
        assert len(found) == length and set(found) <= set("0123456789abcdef")  # they name files and folders
    assert list(identity.origin(code, "samples", "cpu")["code"]) == ["a", "b"]


def test_what_a_run_was_asked_for_is_its_keys_whatever_it_met(configured):
    configs = [configured(*words).model_dump() for words in ((), ("device=cpu",), ("seed=1",), ("optimizer.lr=0.3",))]
    found = [settings_id(config) for config in configs]
    assert found[0] == found[1] and len(set(found)) == 3


def test_data_is_known_by_its_keys_as_one_types_them(configured):
    expected = "dataset.name=digits, dataset.split_seed=null, dataset.x=[1,2], dataset.y=true"
    dataset = {"name": "digits", "root": "elsewhere", "split_seed": None, "x": [1, 2], "y": True}
    assert data_settings({**configured().model_dump(), "dataset": dataset}) == expected


def test_what_has_changed_is_told():
    def told(module: str) -> str:
        return module.upper()

    code = {"a": "1", "b": "1", "c": "1"}
    now = identity.origin(code, "samples", "cpu")
    before = {
        "the results are of an earlier version of ablate": None,
        "A has changed": identity.origin(code | {"a": "2"}, "samples", "cpu"),
        "B, C and D have changed": identity.origin({"a": "1", "b": "2", "d": "1"}, "samples", "cpu"),
        "the samples have changed": identity.origin(code, "others", "cpu"),
        "trained on cuda before": identity.origin(code, "samples", "cuda"),
        "this version of ablate trains otherwise": now | {"training": 0},
        "A has changed, and the samples have changed": identity.origin(code | {"a": "2"}, "others", "cpu"),
    }
    for said, origin in before.items():
        assert changed(origin, now, told) == said


# What a run finds when it asks for its origin


def code_of(config: Config) -> set[str]:
    return {name.removeprefix("ablate.") for name in Job(config, Path()).origin["code"]}


ALWAYS = {"data.digits", "models.mlp", "training.optimizers._step_adam"}


@pytest.mark.parametrize(
    ("overrides", "more"),
    [
        ((), set()),
        (("regularizer=l1",), {"regularizers.l1"}),
        (("regularizer=elastic_net",), {"regularizers.l1", "regularizers.l2"}),
        (("regularizer=dropout",), {"regularizers.dropout"}),
        (("model.input_dropout=0.1",), {"regularizers.dropout"}),  # the same masks
        (("regularizer=dropout", "model.dropout=0"), set()),
        (("regularizer=l1", "regularizer.l1=0"), set()),
    ],
)
def test_the_code_of_a_run_is_that_of_what_acts(configured, overrides, more):
    assert code_of(configured(*overrides)) == ALWAYS | more


def test_the_code_of_a_run_follows_its_options(configured):
    assert code_of(configured("model=lenet")) == ALWAYS - {"models.mlp"} | {"models.lenet"}
    found = code_of(configured("dataset=noise", "optimizer=sgd"))
    assert found == {"data.noise", "models.mlp", "training.optimizers._step_sgd"}


@pytest.mark.usefixtures("elsewhere")
def test_a_regularizer_with_masks_of_ones_own_counts_where_the_model_draws_them(configured, monkeypatch):
    own = Path(__file__).parents[1] / "regularizers" / "own"
    with using([own]):
        config = configured()
        noisy = models.schema({"name": "noisy"})
        quiet, loud = (config.model_copy(update={"model": noisy(name="noisy", noise=noise)}) for noise in (0.0, 0.5))
        assert code_of(loud) - code_of(quiet) == {"regularizers.scaled_noise"}
        assert {"models.noisy", "models.coin"} <= code_of(quiet)  # which it imports


@pytest.mark.parametrize("part", ["x", "y", "test_x", "test_y", "none"])
def test_other_samples_make_another_run(configured, monkeypatch, part):
    """Whatever part they are in; the same ones from elsewhere don't."""
    parts = {"x": np.eye(20), "y": np.arange(20) % 2, "test_x": np.eye(20), "test_y": np.arange(20) % 2}
    found = []
    for changes in (False, True):
        arrays = {name: array.copy() for name, array in parts.items()}
        if changes and part != "none":
            arrays[part][2:4] = arrays[part][2:4][::-1].copy()
        monkeypatch.setattr(data, "source", lambda config, arrays=arrays: data.Source(classes=2, **arrays))
        forget_splits()
        found.append(Job(configured("dataset=noise", "model.hidden=[2]"), Path()).run_id)
    forget_splits()
    assert (found[0] != found[1]) == (part != "none")


def test_another_kind_of_device_makes_another_run_and_another_of_its_kind_does_not(configured, monkeypatch):
    found = []
    for device in ("cpu", "cuda:0", "cuda:1", "mps"):
        monkeypatch.setattr(numerics, "device", lambda config, device=device: torch.device(device))
        found.append(Job(configured(), Path()).run_id)
    assert found[1] == found[2] and len(set(found)) == 3


def test_a_run_keeps_the_identity_that_it_was_given(configured, monkeypatch):
    """The code may have been changed by the time that its result is written."""
    job = Job(configured(), Path())
    given = job.run_id
    monkeypatch.setattr(identity, "SEMANTICS", identity.SEMANTICS + 1)
    assert copy.copy(job).run_id == given != Job(job.config, Path()).run_id
