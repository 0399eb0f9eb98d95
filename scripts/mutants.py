"""python scripts/mutants.py [NAME …]: do the tests notice where the code is wrong?

mutmut makes small wrong changes, mutants, in the modules that pyproject.toml names, and runs the tests on each. What
some test fails on, or never comes to an end with, is killed. Prints the share by module, and every change that survived:
a test that is missing, or a change that makes no difference. Exit status 1 where a module has less than 90 %.

NAME …: those of the last round to try again, with the tests as they are now (`ablate.utils.seeds.*`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

LEAST = 0.9
KILLED = {"killed", "timeout", "segfault"}
MUTMUT = (sys.executable, "-m", "mutmut")


def by_module(results: str) -> dict[str, dict[str, str]]:
    """What became of every mutant, by module and name, from lines of `mutmut results`: `    NAME: STATUS`."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for line in results.splitlines():
        name, _, status = line.strip().partition(": ")
        found[name.rpartition(".")[0]][name] = status
    return dict(found)


def shares(found: Mapping[str, Mapping[str, str]]) -> dict[str, float]:
    """The share that was killed, by module."""
    return {module: sum(status in KILLED for status in of.values()) / len(of) for module, of in found.items()}


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """A line a module, the worst first."""
    lines = [
        f"{share:7.1%}  {sum(status in KILLED for status in found[module].values()):4} of {len(found[module]):4}  {module}"
        for module, share in sorted(shares(found).items(), key=lambda item: item[1])
    ]
    return "\n".join(["killed", *lines])


def said(*words: str) -> str:
    return subprocess.run([*MUTMUT, *words], capture_output=True, text=True, check=True).stdout


def main(names: Sequence[str]) -> int:
    if not names:
        shutil.rmtree("mutants", ignore_errors=True)  # mutmut would take over what it found with other tests
    # Mutants are forked off a process that has run the tests: threads of its own would not be there in them.
    ran = subprocess.run([*MUTMUT, "run", *names], env=os.environ | {"OMP_NUM_THREADS": "1"}, check=False)
    if ran.returncode:
        return ran.returncode
    found = by_module(said("results", "--all", "true"))
    for name, status in (item for of in found.values() for item in of.items() if item[1] not in KILLED):
        print(f"\n{name}: {status}")
        changes = said("show", name).splitlines()
        print("\n".join(line for line in changes if line[:1] in "+-" and line[:3] not in ("+++", "---")))
    print(f"\n{table(found)}")
    return int(min(shares(found).values()) < LEAST)


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    sys.exit(main(sys.argv[1:]))
