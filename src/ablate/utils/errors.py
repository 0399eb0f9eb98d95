"""What went wrong, in one line for the person who can mend it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from ablate.files import short

LONGEST = 200  # characters of a value that are repeated
HELP = "python -m ablate --help lists the keys"
COMMAND = "tensorboard"  # the only word that stands alone


class ConfigError(Exception):
    """The config, or the data that it names, can't be used. One line: key, value, what is allowed."""


class RunFailed(Exception):
    """A run ended without a usable result; the line says why."""


def refuse(key: str, value: object, allowed: str) -> ConfigError:
    return ConfigError(f"{key}={cut(shown(value))}: {allowed}")


def shown(value: object) -> str:
    """A value as one would type it on the command line."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ",".join(shown(item) for item in value) + "]"
    return str(value)


def cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def line(text: object) -> str:
    """Any text as one line that a terminal can be given: no line breaks, no control characters."""
    joined = " ".join(str(text).split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in joined)


def one_of(names: Iterable[str], given: object = None) -> str:
    """`must be one of a, b, c`, with the nearest name where `given` looks misspelt."""
    names = sorted(names)
    near = difflib.get_close_matches(str(given), names, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"must be one of {', '.join(names)}{hint}"


def one_line(error: BaseException) -> str:
    """Any exception as one line: its kind and what it says."""
    said = line(error)
    return said if isinstance(error, ConfigError | RunFailed) else f"{type(error).__name__}: {said}".rstrip(": ")


def _misread(override: str, text: str) -> str:
    """What is wrong with an override. Hydra's text says that it can't be read, why, and where to read on."""
    if "=" not in override:
        near = difflib.get_close_matches(override, [COMMAND], n=1)
        return f"isn't key=value; {f'did you mean {COMMAND}?' if near else HELP}"
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
    from hydra.errors import HydraException, MissingConfigException, OverrideParseException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import MarkedYAMLError

    if isinstance(error, MarkedYAMLError) and (mark := error.problem_mark):
        return f"{short(Path(mark.name))}, line {mark.line + 1}: can't be read: {error.problem}"
    if isinstance(error, MissingConfigException) and error.options:
        group, _, option = (error.missing_cfg_file or "").rpartition("/")
        return f"{group}={option}: {one_of(error.options, option)}"
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
