"""What Hydra would ignore without a word, and is refused: of what is typed, and in folders of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf._utils import get_yaml_loader

from ablate.config.registration import files, groups
from ablate.config.registration import folder as conf
from ablate.options.discovery import REGULARIZERS
from ablate.utils.errors import ConfigError
from ablate.utils.files import short

SEARCHPATH = "hydra.searchpath"
COMBINED = "to combine two, type regularizer=[l1,dropout], or a number beside one: regularizer=l1 model.dropout=0.2"


def refuse_ignored(folders: Sequence[Path]) -> None:
    """Refuse an option whose name is taken, and a regularizer's that doesn't set its strength.

    Raises:
        ConfigError: names the file.
    """
    taken = {path.relative_to(conf()): conf() for path in files(conf())}
    for folder in folders:
        for path in files(folder):
            option = path.relative_to(folder)
            if taken.setdefault(option, folder).resolve() != folder.resolve():  # Hydra takes one of the two
                said = f"there is {path.parent.name}={path.stem} already; choose another name"
                raise ConfigError(f"{short(path)}: {said}")
        for module in sorted((folder / REGULARIZERS.name).glob("[!_]*.py")):
            _look_at(module.with_suffix(".yaml"), module)


def refuse_repeated(overrides: Sequence[Override]) -> dict[str, Override]:
    """The options that are chosen, by group. Two of one group are refused, of which Hydra takes the last.

    Raises:
        ConfigError: names both.
    """
    chosen: dict[str, Override] = {}
    for override in overrides:
        group = override.key_or_group
        if override.package or group not in groups():
            continue
        if (first := chosen.setdefault(group, override)).input_line != override.input_line:
            hint = f"; {COMBINED}" if group == REGULARIZERS.name else ""
            raise ConfigError(f"{first.input_line} {override.input_line}: only one would count{hint}")
    return chosen


def refuse_unheeded(composed: DictConfig) -> None:
    """Refuse what `refuse_repeated` does, and a preset that wins over an option that was typed, or sets nothing.

    composed: a job, with Hydra's node, which tells what was typed for it.

    Raises:
        ConfigError: names the two options; or the preset, the key and what to do.
    """
    chosen = refuse_repeated(OverridesParser.create().parse_overrides(list(composed.hydra.overrides.task)))
    if (preset := chosen.pop("experiment", None)) is None:
        return
    loader, own = GlobalHydra.instance().config_loader(), composed.hydra.overrides.hydra
    options = (*(line for line in own if SEARCHPATH in line), *(each.input_line for each in chosen.values()))
    beside, alone = _composed(loader, (*options, preset.input_line)), _composed(loader, options)
    for group, override in chosen.items():
        if key := next((k for k in beside[group] if beside[group][k] != alone[group].get(k, ...)), None):
            said = f"sets {group}.{key}, which would win over {override.input_line}"
            todo = f"put its {group} into an option, {group}/NAME.yaml, and choose that: - override /{group}: NAME"
            raise ConfigError(f"{preset.input_line}: {said}; {todo}")
    if beside.get("experiment"):
        raise ConfigError(f"{preset.input_line}: would set nothing; its file must begin with # @package _global_")


@lru_cache(maxsize=64)
def _composed(loader: ConfigLoader, overrides: tuple[str, ...]) -> dict[str, Any]:
    """The groups of what Hydra composes, unresolved: a model's dropout is what follows the regularizer."""
    made = loader.load_configuration("config", list(overrides), run_mode=RunMode.RUN)
    found: dict[str, Any] = OmegaConf.to_container(made, resolve=False)  # type: ignore[assignment]
    return found


def _read(file: Path) -> dict[str, Any]:
    """A YAML file's keys; none where it can't be read: Hydra says so when it is chosen."""
    try:
        node = yaml.load(file.read_text(encoding="utf-8"), get_yaml_loader())  # noqa: S506 (Hydra's SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return {"defaults": None}
    return {} if node is None else node if isinstance(node, dict) else {"defaults": None}


def _look_at(option: Path, module: Path) -> None:
    """A regularizer's option sets its strength."""
    if option.is_file() and not {module.stem, "defaults"} & set(_read(option)):  # without one, it is set as a key
        said = f"sets no {module.stem}, so that {module.name} beside it wouldn't act; write, say, {module.stem}: 1.0e-3"
        raise ConfigError(f"{short(option)}: {said}")
