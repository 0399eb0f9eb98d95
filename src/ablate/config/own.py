"""What in folders of one's own would be ignored without a word: Hydra takes the first option of a name and goes on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from omegaconf._utils import get_yaml_loader

from ablate.config.registration import folder as conf
from ablate.options.discovery import REGULARIZERS
from ablate.utils.errors import ConfigError
from ablate.utils.files import short


def refuse_ignored(folders: Sequence[Path]) -> None:
    """Refuse an option whose name is taken, and a regularizer's that doesn't set its strength.

    Raises:
        ConfigError: names the file.
    """
    taken = {path.relative_to(conf()): conf() for path in conf().glob("*/*.yaml")}
    for folder in folders:
        for path in sorted(folder.glob("*/*.yaml")):
            option = path.relative_to(folder)
            if taken.setdefault(option, folder).resolve() != folder.resolve():  # Hydra takes one of the two
                said = f"there is {path.parent.name}={path.stem} already; choose another name"
                raise ConfigError(f"{short(path)}: {said}")
        for module in sorted((folder / REGULARIZERS.name).glob("[!_]*.py")):
            _look_at(module.with_suffix(".yaml"), module)


def _look_at(option: Path, module: Path) -> None:
    """A regularizer's option sets its strength."""
    if not option.is_file():
        return  # the strength can be set as a key
    try:
        node = yaml.load(option.read_text(encoding="utf-8"), get_yaml_loader())  # noqa: S506 (Hydra's SafeLoader)
    except (OSError, ValueError, yaml.YAMLError):
        return  # Hydra says so when it is chosen
    if node is None or (isinstance(node, dict) and not {module.stem, "defaults"} & set(node)):
        said = f"sets no {module.stem}, so that {module.name} beside it wouldn't act; write, say, {module.stem}: 1.0e-3"
        raise ConfigError(f"{short(option)}: {said}")
