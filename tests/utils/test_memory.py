"""Free memory: the system's, and what the limits of control groups leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.utils import memory

MB = 2**20


@pytest.fixture
def root(tmp_path):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable: {8000 * 1024} kB\n")
    return tmp_path


def group(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_without_limits_the_system_tells(root):
    assert memory.free(root) == 8000 * MB
    (root / "proc/self/cgroup").write_text("0::/a\n")
    group(root / "sys/fs/cgroup/a", memory__max="max", memory__current=5, memory__stat="inactive_file 3")
    assert memory.free(root) == 8000 * MB


def test_where_nobody_tells_there_are_4_gb(tmp_path):
    assert memory.free(tmp_path) == 4 * 2**30


@pytest.mark.parametrize("unified", ["", "unified"])
def test_the_limit_of_a_group_and_of_those_above_counts(root, unified):
    (root / "proc/self/cgroup").write_text("0::/a/b\n")
    top = root / "sys/fs/cgroup" / unified
    stat = f"anon {MB}\ninactive_file {50 * MB}\nactive_file {10 * MB}\nshmem 7"
    group(top / "a/b", memory__max=900 * MB, memory__current=300 * MB, memory__stat=stat)
    assert memory.free(root) == 660 * MB
    group(top / "a", memory__max=700 * MB, memory__current=300 * MB, memory__stat="inactive_file 0")
    assert memory.free(root) == 400 * MB


@pytest.mark.parametrize("seen", ["a/b", "."])  # from within a container, its own group is the root
def test_so_does_that_of_the_first_kind(root, seen):
    (root / "proc/self/cgroup").write_text("9:name=systemd:/a\n4:cpu,memory:/a/b\n1:cpuset:/\n")
    stat = f"inactive_file {MB}\ntotal_inactive_file {50 * MB}\ntotal_active_file {10 * MB}"
    files = {"memory__limit_in_bytes": 900 * MB, "memory__usage_in_bytes": 300 * MB, "memory__stat": stat}
    group(root / "sys/fs/cgroup/memory" / seen, **files)
    assert memory.free(root) == 660 * MB


def test_a_group_that_has_used_up_its_memory_has_none(root):
    (root / "proc/self/cgroup").write_text("0::/a\n")
    group(root / "sys/fs/cgroup/a", memory__max=5 * MB, memory__current=6 * MB, memory__stat="inactive_file 0")
    assert memory.free(root) == 0
