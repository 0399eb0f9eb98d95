"""How much memory there is, and what is refused because it takes more. Light: no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ablate.utils.errors import ConfigError

BUFFERS = 8  # rows of parameters that a run holds: weights, gradients, two moments, best, and copies
FLOAT = 4  # bytes of a number


# Where Linux says how much the processes of a control group may have and do have, by the group's kind: the root of the
# groups' folders, and in a group's the files of its limit and its use.
LIMITS = {
    "": [("sys/fs/cgroup", "memory.max", "memory.current"), ("sys/fs/cgroup/unified", "memory.max", "memory.current")],
    "memory": [("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")],
}
# What they read and write is kept in memory too, and dropped when that is needed. The older kind has lines of their own
# for what the groups below have too.
CACHE = ("inactive_file", "active_file")


def free(root: Path = Path("/")) -> int:
    """Bytes of memory that can be had, by the system and by the limits that a container or a scheduler has set.

    4 GB where the system won't tell.

    root: of the file system.
    """
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        system = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        system = 4 * 2**30
    return max(0, min([system, *_left_to_groups(root)]))


def _left_to_groups(root: Path) -> Iterator[int]:
    """What is left to each control group that this process is in, and that has a limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        _, _, rest = line.partition(":")
        kinds, _, group = rest.partition(":")
        for kind in kinds.split(","):
            for groups, limit, use in LIMITS.get(kind, ()):
                own = root / groups / group.lstrip("/")
                # Those above count too. In a container the paths of its own may start further down.
                for folder in (own, *own.parents):
                    if folder.is_relative_to(root / groups):
                        yield from _left(folder, limit, use)


def _left(group: Path, limit: str, use: str) -> Iterator[int]:
    try:
        stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        cache = sum(int(stat.get(f"total_{name}", stat.get(name, 0))) for name in CACHE)
        yield int((group / limit).read_text()) - int((group / use).read_text()) + cache
    except (OSError, ValueError):  # it has no limit: "max", or no file for one
        return


def demand(what: str, needed: int) -> None:
    """Refuse what can't be held: the system would end us, or others, half way.

    Raises:
        ConfigError: `what`, a plural, needs more bytes than are free.
    """
    if needed > (there := free()):
        raise ConfigError(f"{what} take {needed / 1e9:,.1f} GB of memory, and {there / 1e9:,.1f} GB are free")
