"""Composes the configs of a sweep's jobs as Hydra does, in a tenth of the time.

Hydra composes every job from its files. The jobs of a sweep mostly choose the same options and differ in
plain values, and values are applied last, on top of what the options gave: so each distinct choice of
options is composed once, and values are set on a copy (unpickled: a sixth of what copy.deepcopy takes).
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.core.utils import JobReturn
from hydra.types import TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict

from ablate.cli.places import hydras
from ablate.utils import interrupts

KEPT = 256  # overrides that are parsed, and choices of options that are composed


def override(key: str, text: str) -> str:
    """An override that sets `key` to this very text, whatever stands in it."""
    return f"{key}={QuotedString(text, Quote.single).with_quotes()}"


def returned(job: JobReturn) -> Any:
    """What a job returned; raises what it raised, of which Hydra would say a line more."""
    with redirect_stderr(io.StringIO()):
        return job.return_value


@dataclass(frozen=True)
class Checked:
    """What is kept of a job from its check until it is carried out. Its config takes a hundred times as much.

    folder: of the sweep; subdir: of the job in it; hydras: names of what Hydra writes there; typed: its overrides but
    for Hydra's; found: what the check gave.
    """

    folder: str
    subdir: str
    hydras: list[str]
    typed: list[str]
    found: Any


class Composer:
    """Composes and checks jobs of one sweep; `master` is the sweep's own config.

    A task function that can tell a bad config has an attribute `check`, a function of the config that raises.
    """

    def __init__(self, loader: ConfigLoader, master: DictConfig, task_function: TaskFunction) -> None:
        self.loader, self.master = loader, master
        self.typed: Any = OmegaConf.to_container(master.hydra.overrides.hydra)
        self.parser = OverridesParser.create(config_loader=loader)
        self.checks: Callable[[DictConfig], Any] = getattr(task_function, "check", lambda config: None)
        self.groups: dict[str, bool] = {}
        self.checked: dict[tuple[str, ...], Checked] = {}
        # Bounded, for of a sweep over thousands of values each is parsed.
        self._parsed = lru_cache(maxsize=KEPT)(self._parse)
        self._chosen = lru_cache(maxsize=KEPT)(self._choose)

    def check(self, overrides: Sequence[str]) -> Checked:
        """Compose and check a job that may be launched."""
        key = tuple(overrides)
        if key not in self.checked:
            self.checked[key] = self._checked(self.compose(overrides))
        return self.checked[key]

    def take(self, overrides: Sequence[str], number: int) -> Checked:
        """A job that is launched; one that is checked by now isn't checked again."""
        return self.checked.pop(tuple(overrides), None) or self._checked(self.compose(overrides, number))

    def _checked(self, config: DictConfig) -> Checked:
        interrupts.check()
        found, sweep = self.checks(config), config.hydra.sweep
        typed: Any = OmegaConf.to_container(config.hydra.overrides.task)
        return Checked(str(sweep.dir), str(sweep.subdir), hydras(config), typed, found)

    def compose(self, overrides: Sequence[str], number: int | None = None) -> DictConfig:
        """What `ConfigLoader.load_sweep_config` gives for these overrides, errors included.

        number: among the jobs of the sweep, which Hydra gives a job when it is launched.
        """
        parsed = [self._parsed(line) for line in overrides]
        values = [override for override in parsed if self._is_value(override)]
        options = tuple(line for line, override in zip(overrides, parsed, strict=True) if override not in values)
        config: DictConfig = pickle.loads(self._chosen(options))  # noqa: S301
        ConfigLoaderImpl._apply_overrides_to_config(values, config)
        ours = [override for override in parsed if not override.is_hydra_override()]
        hydras = [override.input_line for override in parsed if override.is_hydra_override()]
        with open_dict(config.hydra):
            config.hydra.overrides.hydra = [*self.typed, *hydras]
            config.hydra.overrides.task = [override.input_line for override in ours]
            naming: Any = config.hydra.job.config.override_dirname
            config.hydra.job.override_dirname = get_overrides_dirname(
                overrides=ours,
                kv_sep=naming.kv_sep,
                item_sep=naming.item_sep,
                exclude_keys=naming.exclude_keys,
            )
            if number is not None:
                config.hydra.job.id = config.hydra.job.num = number
        return config

    def _parse(self, line: str) -> Override:
        (parsed,) = self.parser.parse_overrides([line])
        return parsed

    def _choose(self, options: tuple[str, ...]) -> bytes:
        return pickle.dumps(self.loader.load_sweep_config(self.master, list(options)))

    def _is_value(self, override: Override) -> bool:
        changes_keys = override.is_add() or override.is_force_add() or override.is_delete()
        if changes_keys or override.package is not None:
            return False
        key = override.key_or_group
        if override.is_hydra_override():
            return key.startswith("hydra.sweep.")  # where a job writes to; others may decide what is composed
        if key not in self.groups:
            self.groups[key] = bool(self.loader.get_group_options(key))
        return not self.groups[key]
