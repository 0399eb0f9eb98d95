"""Error lines: what is said in one line of whatever ended a command, and with which exit status."""

from __future__ import annotations

import difflib
import errno
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Sweep
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ablate.config.registration import everywhere, files, folder
from ablate.options.discovery import own_folders
from ablate.utils.console import FAILED, INTERRUPTED, REFUSED
from ablate.utils.errors import ConfigError, RunFailed, one_line, one_of, refuse
from ablate.utils.files import is_gone, read, short
from ablate.utils.text import cut, line

HELP = "python -m ablate --help lists the keys"
LARGEST = 1_000_000  # bytes of a file of keys
SUBCOMMANDS = ("compare", "export", "predict", "tensorboard")  # words that stand alone
GONE = "the folder that this works in is gone"


def said_of(error: BaseException, arguments: Sequence[str], training: bool = False) -> tuple[int, str]:
    """The exit status and the line for an error.

    arguments: of the command, or overrides of the job, that it ended; training: whether something was trained by then.
    """
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED, "interrupted"
    if isinstance(error, RunFailed):
        return FAILED, f"run failed: {one_line(error)}"
    if isinstance(error, ConfigError):
        return REFUSED, f"error: {one_line(error)}"
    if isinstance(error, RecursionError) and not training:
        return REFUSED, line(f"error: {cut(' '.join(arguments))}: is nested too deeply")
    if isinstance(error, OSError) and not hasattr(error, "options") and error.errno:
        status = FAILED if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO) else REFUSED
        if isinstance(error, FileNotFoundError) and is_gone():
            return FAILED if training else REFUSED, f"error: {GONE}"
        return status, line(f"error: {cut(str(error.filename or 'files'))}: can't be written: {error.strerror}")
    if isinstance(error, Exception) and (said := explain_hydra(error, known_keys())):
        return REFUSED, line(f"error: {said}")
    if said := _no_option(arguments):
        return REFUSED, line(f"error: {said}")
    where = "(HYDRA_FULL_ERROR=1 shows where)"
    if training:
        return FAILED, f"error: {one_line(error)} {where}"
    return REFUSED, line(f"error: {cut(' '.join(arguments))}: can't be carried out: {one_line(error)} {where}")


def _lacking(group: str, option: str) -> str:
    """What to say of an option that is a module of one's own alone."""
    modules = [path for place in own_folders() if (path := place / group / f"{option}.py").is_file()]
    return f"; {short(modules[0])} has no {option}.yaml beside it" if modules else ""


def _no_option(arguments: Sequence[str]) -> str | None:
    """The first choice of an option by something else than a name, of which Hydra only says that there is one."""
    with suppress(HydraException):
        for override in OverridesParser.create().parse_overrides([a for a in arguments if not a.startswith("-")]):
            group, value = folder() / override.key_or_group, override.value()
            if group.is_dir() and not isinstance(value, str | list | Sweep):
                return str(refuse(override.key_or_group, value, one_of(path.stem for path in group.glob("*.yaml"))))
    return None


def known_keys() -> list[str]:
    """Every key of the default config and its options, one's own too, to suggest one for a misspelt one."""
    keys = set()
    for place in (folder(), *own_folders()):
        for path in (*place.glob("*.yaml"), *files(place)):
            group = path.parent.relative_to(place).parts
            if group == ("experiment",):
                continue
            with suppress(OSError, ValueError, yaml.YAMLError):  # one that can't be read has no keys to suggest
                keys |= _keys_of(path, path.stat().st_mtime_ns, ".".join(group))
            keys |= set(group)
    return sorted(keys | _flat(everywhere(), ""))


@lru_cache(maxsize=1024)
def _keys_of(path: Path, changed: int, group: str) -> set[str]:
    """Of a file, as it was when it was changed last: every job of a sweep may be wrong."""
    return _flat(OmegaConf.to_container(OmegaConf.load(io.StringIO(read(path, LARGEST).decode()))), group)


def _flat(node: Any, prefix: str) -> set[str]:
    if not isinstance(node, dict):
        return {prefix}
    parts = ((k, v) for k, v in node.items() if k not in ("defaults", "hydra"))
    found = {leaf for key, value in parts for leaf in _flat(value, f"{prefix}.{key}".lstrip("."))}
    return found | ({prefix} if prefix else set())


def _misread(override: str, text: str) -> str:
    """What is wrong with an override. Hydra's text says that it can't be read, why, and where to read on."""
    if "=" not in override:
        near = difflib.get_close_matches(override, SUBCOMMANDS, n=1)
        return f"isn't key=value; {f'did you mean {near[0]}?' if near else HELP}"
    return f"can't be read: {_why(text)}"


def _why(text: str) -> str:
    if text.startswith("LexerNoViableAlt"):
        return "a character in it wants quotes around the value, as in \"key='value'\""
    said = [part for part in text.splitlines() if part and not part.startswith(("Error parsing", "See http"))]
    return said[0] if said else "is none"


def explain_hydra(error: Exception, keys: Iterable[str] = ()) -> str | None:
    """One line for an error of Hydra's, OmegaConf's or YAML's own, or None for any other.

    keys: every key of the config, to name the one that may have been meant.
    """
    if isinstance(error, yaml.MarkedYAMLError) and (mark := error.problem_mark):
        return f"{short(Path(mark.name))}, line {mark.line + 1}: can't be read: {error.problem}"
    if isinstance(error, MissingConfigException) and error.options:
        group, _, option = (error.missing_cfg_file or "").rpartition("/")
        return f"{group}={option}: {one_of(error.options, option)}{_lacking(group, option)}"
    if not isinstance(error, HydraException | OmegaConfBaseException):
        return None
    text = str(error)
    if isinstance(error, OverrideParseException):
        return f"{error.override}: {_misread(str(error.override), text)}"
    if found := re.search(r"Ambiguous value for argument '(.*)'$", text, re.MULTILINE):
        return f"{found[1]}: several values need -m"
    if found := re.search(r"Could not override '([^']+)'", text):
        key = found[1]
        if key in keys:
            return f"{key}: only some options of {key.partition('.')[0]} have this key, not the one that is chosen"
        near = difflib.get_close_matches(key, list(keys), n=1)
        if any(other.startswith(key + ".") for other in keys):
            return f"{key}: is a group of keys; name an option of it or one of its keys"
        meant = f"did you mean {near[0]}?" if near else HELP
        return f"{key}: no such key; {meant}"
    cause = f" {error.__cause__}" if error.__cause__ else ""
    said = re.sub(r"See https?://\S+ for\s+.*|full_key: (\S*)|object_type=\S+", r"\1", text + cause, flags=re.S)
    return " ".join(said.split())
