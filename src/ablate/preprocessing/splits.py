"""The split of a dataset: made once for all who ask for it, and kept while there is room."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from ablate.options.schema import DatasetConfig, Keyed
from ablate.preprocessing.making import make
from ablate.preprocessing.samples import Facts, Split

Asked = tuple[Keyed, str, tuple[int, ...]]  # a dataset with the seed of its split, a task, and of which files
KEPT = 256 * 2**20  # bytes of splits that stay for whoever asks next, beside those in use; the last stays anyway

_used: WeakValueDictionary[Asked, Split] = WeakValueDictionary()
_kept: dict[Asked, Split] = {}
_facts: dict[Asked, Facts] = {}


def split(dataset: DatasetConfig, seed: int, task: str = "auto") -> Split:
    """The split of a dataset that this seed gives, on the CPU. Equal ones are one, and share its memory.

    Raises:
        ConfigError: files are missing or damaged, or a part would lack samples of a class.
    """
    asked = _asked(dataset, seed, task)
    found = _used.get(asked)
    if found is None:
        found = _used[asked] = _split(*asked)
        _facts[asked] = found.facts
    if _kept.pop(asked, None) is None:
        _make_room(_facts[asked].bytes)
    _kept[asked] = found  # the last that was asked for is the last to go
    return found


def facts(dataset: DatasetConfig, seed: int, task: str = "auto") -> Facts:
    """What is to be known of `split`, without making it anew where it has been made once.

    Raises:
        ConfigError: as `split` does.
    """
    asked = _asked(dataset, seed, task)
    if asked not in _facts:
        split(dataset, seed, task)
    return _facts[asked]


def _make_room(wanted: int) -> None:
    oldest = list(_kept)
    there = wanted + sum(_facts[key].bytes for key in oldest)
    for key in oldest:
        if there <= KEPT:
            return
        there -= _facts[key].bytes
        _kept.pop(key, None)


def _asked(dataset: DatasetConfig, seed: int, task: str) -> Asked:
    return Keyed.of(dataset.model_copy(update={"split_seed": seed})), task, _written(getattr(dataset, "path", None))


def _written(path: Any) -> tuple[int, ...]:
    """When a file was written, and its size: one that has changed since is read anew."""
    try:
        seen = Path(path).expanduser().stat()
    except (TypeError, OSError, ValueError, RuntimeError):  # no path, or none that can be read: its reader says so
        return ()
    return seen.st_mtime_ns, seen.st_size


def _split(asked: Keyed, task: str, written: tuple[int, ...]) -> Split:
    return make(asked.config, task)
