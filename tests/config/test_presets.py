"""What is typed wins: over presets, over studies, and over both together."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from ablate.analysis import studies
from ablate.config import registration
from ablate.config.checks import check

OPTIONS = sorted((path.parent.name, path.stem) for path in registration.folder().glob("*/*.yaml"))
PRESETS = [name for group, name in OPTIONS if group == "experiment"]
STUDIES = [name for group, name in OPTIONS if group == "study"]


@pytest.fixture(autouse=True)
def _hydra():
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        yield


def unresolved(node: Any) -> Any:
    """A model's dropout is what follows the regularizer, whatever that is."""
    return OmegaConf.to_container(node, resolve=False)


@pytest.mark.parametrize("preset", PRESETS)
def test_an_option_that_is_typed_is_what_it_is_without_the_preset(preset):
    different = []
    for group, option in OPTIONS:
        if group == "experiment":
            continue
        alone = compose("config", [f"{group}={option}"])
        for words in ([f"experiment={preset}", f"{group}={option}"], [f"{group}={option}", f"experiment={preset}"]):
            if unresolved(compose("config", words)[group]) != unresolved(alone[group]):
                different.append((group, option))
    assert different == []


@pytest.mark.parametrize(("name", "preset"), list(product(STUDIES, PRESETS)))
def test_the_arms_of_a_study_are_regularized_alike_under_every_preset(name, preset):
    chosen = studies.study(compose("config", [f"study={name}"]))
    assert chosen is not None

    def regularized(*typed: str) -> dict[str, object]:
        found = {}
        for arm, overrides in studies.arms(chosen, list(typed), OverridesParser.create().parse_overrides):
            sweeps = [o for o in overrides if o.is_sweep_override()]
            words = [o.input_line for o in overrides if o not in sweeps]
            words += [f"{o.key_or_group}={next(iter(o.sweep_string_iterator()))}" for o in sweeps]
            config = check(compose("config", words))
            found[arm] = (config.regularizer, config.early_stopping, config.noise)
        return found

    assert regularized(f"experiment={preset}") == regularized()
