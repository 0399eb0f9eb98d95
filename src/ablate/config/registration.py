"""Where the YAML files are, and what of ours Hydra knows by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

from ablate.config.naming import run_folder, sweep_folder
from ablate.config.schema import unregularized
from ablate.options.discovery import own_folders
from ablate.utils.files import filename

HYDRA = "1.3"  # the version of which Hydra's defaults are
MULTIRUN = "multirun.yaml"  # Hydra's record of a sweep, in its folder
UNCHOSEN: dict[str, Any] = {"metric": None}  # what `study` holds where none is chosen


def folder() -> Path:
    """conf/: inside the installed package, or at the top of the repository."""
    package = Path(__file__).parents[1]
    installed = package / "conf"
    return installed if installed.is_dir() else package.parents[1] / "conf"


def files(place: Path) -> list[Path]:
    """The files of the options in a config folder, `<group>/<name>.yaml`, sorted.

    What runs and sweeps leave is none: one's own folder may be the one that one works in.
    """
    found = place.glob("*/*.yaml")
    return sorted(path for path in found if path.name != MULTIRUN and not path.parent.name.startswith("."))


def groups() -> frozenset[str]:
    """What options are chosen from: the folders in conf/, and in folders of one's own."""
    return frozenset(path.parent.name for place in (folder(), *own_folders()) for path in files(place))


def everywhere() -> dict[str, Any]:
    """The keys that every option of a group has, whether its file names them or not."""
    return {"regularizer": unregularized(), "dataset": {"samples": None, "in_memory": None}, "study": UNCHOSEN}


def register() -> None:
    """Store the node `schema`, which conf/config.yaml builds on, and the resolvers that name folders."""
    ConfigStore.instance().store(name="schema", node=everywhere())
    OmegaConf.register_new_resolver("ablate.filename", filename, replace=True)
    OmegaConf.register_new_resolver("ablate.run", run_folder, replace=True)
    OmegaConf.register_new_resolver("ablate.sweep", sweep_folder, replace=True)
