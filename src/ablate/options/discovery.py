"""One module, one option: those of a package, and those in folders of one's own, by name, without importing them.

A group is a folder of YAML files (conf/regularizer/) and a package of modules (ablate.regularizers). A folder of one's
own, given with --config-dir, may hold both side by side: mine/regularizer/hoyer.yaml and mine/regularizer/hoyer.py. Its
modules join the package while the command is carried out, as if they lay there.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from ablate.utils.errors import ConfigError, one_line
from ablate.utils.files import short

OURS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Group:
    """name: as it is typed, and of its folder of YAML files; package: of its modules; defines: what each has to."""

    name: str
    package: str
    defines: tuple[str, ...] = ()

    @property
    def path(self) -> list[str]:
        """The folders of its modules."""
        return importlib.import_module(self.package).__path__  # type: ignore[return-value]

    def names(self) -> tuple[str, ...]:
        """Its public modules, sorted."""
        return _modules(tuple(self.path))

    def file(self, name: str) -> Path:
        """Where a module is; one that is missing, where it would have to be."""
        places = [Path(folder, file) for folder in self.path for file in (f"{name}.py", f"{name}/__init__.py")]
        return next((place for place in places if place.is_file()), Path(self.path[-1], f"{name}.py"))

    def load(self, name: str) -> ModuleType:
        """A module of the group.

        Raises:
            ConfigError: it can't be imported; names its file, the line where that is known, and the error. Or it lacks
                what a module of the group has to define.
        """
        try:
            module = importlib.import_module(f"{self.package}.{name}")
        except (Exception, SystemExit) as error:
            raise ConfigError(f"{blamed(error, self.file(name))}: can't be imported: {one_line(error)}") from error
        if missing := [needed for needed in self.defines if not hasattr(module, needed)]:
            raise ConfigError(f"{short(self.file(name))}: must define {' and '.join(missing)}")
        return module


DATASETS = Group("dataset", "ablate.data", ("Config", "load"))
MODELS = Group("model", "ablate.models", ("Config", "build"))
REGULARIZERS = Group("regularizer", "ablate.regularizers")
GROUPS = (DATASETS, MODELS, REGULARIZERS)


@lru_cache(maxsize=64)
def _modules(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted({found.name for found in pkgutil.iter_modules(path) if not found.name.startswith("_")}))


def blamed(error: BaseException, file: Path) -> str:
    """`file, line 7`: where in somebody's file an error came from.

    Where it came from another one that we called into, that one; only the file where no line is to blame.
    """
    file = file.resolve()
    frames = [(Path(f.filename).resolve(), f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        frames.append((Path(error.filename).resolve(), error.lineno))
    last_of_ours = max((i for i, (path, _) in enumerate(frames) if path.is_relative_to(OURS)), default=-1)
    called = [(path, line) for path, line in frames[last_of_ours + 1 :] if path.is_file() and not installed(path)]
    own = [(path, line) for path, line in frames if path == file] or called
    return f"{short(own[-1][0])}, line {own[-1][1]}" if own else str(short(file))


def installed(path: Path) -> bool:
    """Whether a file is Python's own or an installed package's, and not somebody's at work."""
    places = ("stdlib", "platstdlib", "platlib", "purelib")
    of_a_distribution = {"site-packages", "dist-packages"} & set(path.parts)  # some systems have several of these
    return bool(of_a_distribution) or any(path.is_relative_to(sysconfig.get_path(kind)) for kind in places)


_own: tuple[Path, ...] = ()


def own_folders() -> tuple[Path, ...]:
    """The folders of one's own whose options count now."""
    return _own


def use(folders: Sequence[Path]) -> None:
    """Have the options of these folders count from now on, beside those of the package, and of no others.

    Raises:
        ConfigError: one of them has the name of an option that is there already.
    """
    global _own
    wanted = tuple(dict.fromkeys(folder.resolve() for folder in folders))
    if wanted == _own:
        return
    importlib.invalidate_caches()  # files may have been written since Python looked
    _modules.cache_clear()
    found = {group: [str(at) for folder in wanted if (at := folder / group.name).is_dir()] for group in GROUPS}
    for group, places in found.items():
        names: dict[str, str] = dict.fromkeys(_modules((group.path[0],)), group.path[0])
        for place in places:
            for name in _modules((place,)):
                if names.setdefault(name, place) != place:
                    file = short(Path(place, f"{name}.py"))
                    raise ConfigError(f"{file}: there is a {group.name} of this name already; choose another one")
    for group, places in found.items():
        group.path[1:] = places
        _forget(group)
    _own = wanted


@contextmanager
def using(folders: Sequence[Path]) -> Iterator[None]:
    """`use` for a block of code."""
    before = _own
    use(folders)
    try:
        yield
    finally:
        use(before)


def _forget(group: Group) -> None:
    """Have modules of one's own imported anew when they are wanted again: they may have been changed by then."""
    package = importlib.import_module(group.package)
    bundled = Path(group.path[0])
    for name, module in sys.modules.copy().items():  # at once: another thread may import
        file = getattr(module, "__file__", None)
        if name.startswith(f"{group.package}.") and file and not Path(file).is_relative_to(bundled):
            del sys.modules[name]
            vars(package).pop(name.removeprefix(f"{group.package}."), None)
