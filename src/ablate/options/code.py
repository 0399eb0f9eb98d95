"""The code of options: which modules it stands in, as far as it is somebody's own, and what each of them says.

Followed are imports, those in functions too, of modules that are neither Python's own nor of an installed package. Of
this package the modules of options are followed, and no others: `config.identity.SEMANTICS` is the version of these. An
installed package counts by its version, and what all runs stand on, PyTorch say, not at all: results tell its version.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable
from functools import cache
from importlib import metadata
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from ablate.options import live, source
from ablate.options.discovery import GROUPS, installed
from ablate.options.source import Source
from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short
from ablate.utils.imports import imported

OURS = __name__.partition(".")[0]
STANDS_ON = frozenset({
    OURS, "torch", "torchvision", "tensorboard", "google_crc32c", "hydra", "omegaconf", "pydantic", "numpy", "pandas",
    "sklearn", "scipy", "safetensors", "rich", "jinja2", "filelock", "matplotlib", "PIL",
})  # fmt: skip
PACKAGE = "package "  # before the names of installed packages

_read: dict[str, tuple[Any, Source]] = {}  # by module, with the stamp of what was read


def of_modules(names: Iterable[str]) -> dict[str, str]:
    """The digests of modules and of what they import, by module; the versions of installed packages.

    Raises:
        ConfigError: one can't be read as Python, or has changed since it was imported.
    """
    found: dict[str, str] = {}
    todo, seen = list(names), set[str]()
    while todo:
        if (name := todo.pop()) in seen:
            continue
        seen.add(name)
        top = name.partition(".")[0]
        if top == OURS and not _is_an_option(name):
            continue
        spec = _spec(name)
        if spec is None or spec.origin is None:  # something in a module; a folder; or not there, as Python will say
            continue
        if top != OURS and (not spec.has_location or installed(Path(spec.origin))):  # or built into Python
            if top not in STANDS_ON and top not in sys.stdlib_module_names and (version := _version(top)):
                found[f"{PACKAGE}{top}"] = version
            continue
        read = _source(name, spec)
        found[name] = read.digest
        parents = name.split(".")[:-1]  # a package's __init__ is carried out before what is in it
        todo += [*read.imports, *(".".join(parents[: i + 1]) for i in range(len(parents)))]
    return found


def of_object(name: str, found: Any) -> dict[str, str]:
    """The code of a class or function that has been found under a full name: of the modules that it is named in and
    defined in. Of one that stands in a script, a notebook or nowhere: what it is compiled to (options/live.py).

    Raises:
        ConfigError: a source can't be read, or is not what was imported; an object that it names can't be looked into.
    """
    prefixes = [name.rpartition(".")[0]]
    while prefixes[-1] and prefixes[-1] not in sys.modules:
        prefixes.append(prefixes[-1].rpartition(".")[0])
    named, defined = prefixes[-1], str(getattr(inspect.unwrap(found), "__module__", None) or prefixes[-1])
    modules = [module for module in (named, defined) if not _is_typed(module)]
    code: dict[str, str] = {}
    for home in dict.fromkeys(module for module in (named, defined) if _is_typed(module)):
        code[name], others = _typed(name, found, home)
        modules += [module for module in others if not _is_typed(module)]
    return code | of_modules(modules)


def _typed(name: str, found: Any, home: str) -> tuple[str, tuple[str, ...]]:
    try:
        return live.digest(found, home)
    except live.Opaque as error:
        told = f"names an object of type {error}, whose value can't be told"
        raise ConfigError(f"{name}: {told}; put the code into a module, and import it from there") from error


def _is_typed(module: str) -> bool:
    """Whether a module has no source of its own, or one in which anything else is worked at beside options."""
    spec = _spec(module)
    return module == "__main__" or spec is None or spec.origin is None


def of_function(module: str, name: str) -> dict[str, str]:
    """The digest of one function of a module of this package, with what it names there."""
    spec = _spec(module)
    assert spec is not None
    key = f"{module}.{name}"
    return {key: _remembered(key, spec, lambda text: source.of_function(text, name)).digest}


def told(name: str) -> str:
    """A module as one finds it: by its file, where that is known."""
    spec = None if name.startswith(PACKAGE) else _spec(name)
    return str(short(Path(spec.origin))) if spec and spec.origin else name.removeprefix(PACKAGE)


def _is_an_option(name: str) -> bool:
    return any(name.startswith(f"{group.package}.") for group in GROUPS)


def _spec(name: str) -> ModuleSpec | None:
    """Where a module is, without importing anything; as it was imported, where it was."""
    if (loaded := sys.modules.get(name)) is not None:
        spec: ModuleSpec | None = getattr(loaded, "__spec__", None)
        return spec
    parent, _, _ = name.rpartition(".")
    try:
        if not parent:
            return importlib.util.find_spec(name)
        above = getattr(sys.modules.get(parent), "__path__", None) or getattr(
            _spec(parent), "submodule_search_locations", None
        )
        return PathFinder.find_spec(name, above) if above else None
    except (ImportError, ValueError):
        return None


def _source(name: str, spec: ModuleSpec) -> Source:
    package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
    return _remembered(name, spec, lambda text: source.of_module(text, package))


def _remembered(key: str, spec: ModuleSpec, read: Callable[[str], Source]) -> Source:
    """Read once an import: of a module that is loaded counts what was loaded, and not what its file says by now.

    Raises:
        ConfigError: it can't be read; it was loaded before its file was written, so that nobody knows what was loaded.
    """
    loaded = spec.name in sys.modules
    stamp = spec if loaded else _changed(str(spec.origin))
    known, found = _read.get(key, (None, None))
    if found is None or not (known is stamp if loaded else known == stamp):
        found = _read_anew(spec, read)
        if loaded and (_changed(str(spec.origin)) or 0) > imported(spec.name):  # asked after it was read, to be sure
            raise ConfigError(
                f"{told(spec.name)}: has changed since it was imported; importlib.reload it, or start Python anew"
            )
        _read[key] = stamp, found
    return found


def _changed(file: str) -> int | None:
    """When, in nanoseconds; None of what is no file, such as a module in an archive.

    A file that is moved here, or copied with its times, is old and has changed now.
    """
    if not Path(file).is_file():
        return None
    status = Path(file).stat()
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _read_anew(spec: ModuleSpec, read: Callable[[str], Source]) -> Source:
    try:
        text = spec.loader.get_source(spec.name) if isinstance(spec.loader, InspectLoader) else None
        if text is not None:
            return read(text)
        return source.of_bytes(Path(str(spec.origin)).read_bytes())  # compiled code
    except (SyntaxError, OSError, ImportError, ValueError) as error:
        raise ConfigError(f"{told(spec.name)}: can't be read: {one_line(error)}") from error


def _version(top: str) -> str | None:
    """The version of the installed package with a module of this name, where it tells one."""
    try:
        return metadata.version(top)
    except metadata.PackageNotFoundError:
        names = _distributions().get(top, ())
        return " ".join(f"{name} {metadata.version(name)}" for name in sorted(set(names))) or None


@cache
def _distributions() -> Any:
    return metadata.packages_distributions()  # takes a third of a second
