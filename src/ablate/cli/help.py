"""`--help`: the groups with their options, and every key of the config that the rest of the command line makes.

Hydra would do this from the same template (conf/hydra/help). It composes the config anew for every group that it
lists, which takes longer than all the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from string import Template

from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigSource
from omegaconf import OmegaConf, open_dict

from ablate.cli import flags
from ablate.cli.messages import said_of
from ablate.config import registration
from ablate.config.ignored import SEARCHPATH
from ablate.config.registration import MULTIRUN
from ablate.options import discovery
from ablate.utils.console import FINISHED, complain


def main(arguments: Sequence[str]) -> int:
    """Print it; the exit status: 0, or 2 where an override is wrong."""
    try:
        own = flags.own_folders(arguments)
        with discovery.using(own):
            registration.register()
            print(text(arguments, own))
    except BrokenPipeError:
        raise
    except Exception as error:
        status, line = said_of(error, arguments)
        complain(line)
        return status
    return FINISHED


def text(arguments: Sequence[str], own: Sequence[Path]) -> str:
    """own: folders of options of one's own, which `arguments` name."""
    parser = get_args_parser()
    given = parser.parse_args(list(arguments))
    conf = str(Path(given.config_path or registration.folder()).resolve())
    places = ",".join(f"'file://{folder.resolve()}'" for folder in own)
    overrides = [text for text in given.overrides if not text.lstrip("+").startswith(SEARCHPATH)]
    overrides += [f"{SEARCHPATH}=[{places}]"] * bool(own)
    with initialize_config_dir(conf, job_name="ablate", version_base="1.3"):
        config = compose(given.config_name or "config", overrides, return_hydra_config=True)
        sources = GlobalHydra.instance().config_loader().get_sources()
    sources += [FileConfigSource("command-line", f"file://{folder.resolve()}") for folder in own]
    template = Template(config.hydra.help.template)
    with open_dict(config):
        del config["hydra"]
    parts: dict[str, Callable[[], str]] = {
        "APP_CONFIG_GROUPS": lambda: _groups(sources, hydras=False),
        "HYDRA_CONFIG_GROUPS": lambda: _groups(sources, hydras=True),
        "CONFIG": lambda: OmegaConf.to_yaml(config, resolve=given.resolve),
        "FLAGS_HELP": lambda: Hydra.format_args_help(parser),
    }
    return template.substitute({name: part() for name, part in parts.items() if name in template.template})


def _groups(sources: Sequence[ConfigSource], hydras: bool) -> str:
    """A line a group with its options: Hydra's own, or all others."""
    names = {name for source in sources for name in _below(source, "")}
    shown = sorted(name for name in names if (name.split("/")[0] == "hydra") == hydras)
    listed = {name: sorted({o for s in sources for o in _listed(s, name, ObjectType.CONFIG)}) for name in shown}
    return "".join(f"{name}: {', '.join(options)}\n" for name, options in listed.items() if options)


def _below(source: ConfigSource, parent: str) -> Iterator[str]:
    for name in _listed(source, parent, ObjectType.GROUP):
        path = f"{parent}/{name}".lstrip("/")
        yield path
        if path.partition("/")[0] == "hydra":  # elsewhere, options lie in folders of a folder, and runs may lie below
            yield from _below(source, path)


def _listed(source: ConfigSource, group: str, kind: ObjectType) -> list[str]:
    found = source.list(group, kind) if source.is_group(group) else []
    return [name for name in found if not name.startswith(".") and f"{name}.yaml" != MULTIRUN]
