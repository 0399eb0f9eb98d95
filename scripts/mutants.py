"""python scripts/mutants.py [NAME …]: do the tests notice where the code is wrong?

mutmut makes small wrong changes, mutants, in the modules that pyproject.toml names, and runs the tests on each. What
some test fails on, or never comes to an end with, is killed. Prints every change that survived, for want of a test or
because it makes no difference, and the share that was killed by module; exit status 1 where one is below 90 %.

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


def killed(of: Mapping[str, str]) -> int:
    return sum(status in KILLED for status in of.values())


def enough(found: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether the tests notice what they should in every module, and there is one."""
    return bool(found) and all(killed(of) >= LEAST * len(of) for of in found.values())


def table(found: Mapping[str, Mapping[str, str]]) -> str:
    """A line a module, the worst first."""
    ordered = sorted(found.items(), key=lambda item: killed(item[1]) / len(item[1]))
    return "\n".join(f"{killed(of) / len(of):6.1%}  {killed(of):4} of {len(of):4}  {name}" for name, of in ordered)


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
    print(f"\nkilled\n{table(found)}")
    return int(not enough(found))


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[1])
    sys.exit(main(sys.argv[1:]))
