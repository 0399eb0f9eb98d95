"""report.html: a comparison as a page that opens offline."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined

from ablate.analysis.comparison import Comparison
from ablate.records import results
from ablate.records.sweeps import Sweep
from ablate.report import learning_curves, sections
from ablate.report.compared import compared
from ablate.report.looks import looks
from ablate.report.scope import scope
from ablate.report.svg import LIGHT
from ablate.report.tables import main_table, strengths_tables
from ablate.report.text import notes, title, verdicts
from ablate.report.trivial import unbeaten
from ablate.utils.text import count, line

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def page(comparison: Comparison) -> str:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"figures": _figures, "unbroken": _unbroken}
    arms_looks = looks(comparison)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=(comparison.sweep and comparison.sweep.study) or "comparison",
        title=title(comparison),
        compared=compared(comparison),
        looks=arms_looks,
        light=LIGHT,
        words=("verdict", "chosen", "also differs in"),  # columns of words, not of figures
        marked=("verdict", "chosen"),  # of which each word has a look of its own
        unbeaten=unbeaten(comparison),
        verdicts=verdicts(comparison),
        scope=scope(comparison),
        mains=[main_table(part) for part in comparison.parts],
        notes=notes(comparison),
        forests=sections.forests(comparison, arms_looks),
        curves=learning_curves.section(comparison, arms_looks),
        strengths_tables=strengths_tables(comparison),
        strengths=sections.strengths(comparison, arms_looks),
        scatters=sections.scatters(comparison, arms_looks),
        weights=sections.weights(comparison, arms_looks),
        failures=_failures(comparison.runs),
        provenance=_provenance(comparison),
    )


def _figures(text: str) -> str:
    """Figures with a minus sign as wide as the plus sign, and their unit on the same line."""
    return re.sub(r"(^|[\s(])-(?=\d)", r"\1−", text).replace(" %", "\u00a0%")


def _unbroken(heading: str) -> str:
    """A heading that breaks neither before its unit nor within 1e-3."""
    return heading.replace(" %", "\u00a0%").replace("-", "\u2011")


def _failures(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The runs without figures, those together that failed alike."""
    broken = runs[runs["status"] != "finished"]
    return [
        {"arm": arm, "seeds": f"seed {_span(group['seed'])}", "status": status, "error": error or ""}
        for (arm, status, error), group in broken.groupby(["arm", "status", "error"], sort=False, dropna=False)
    ]


def _provenance(comparison: Comparison) -> list[tuple[str, list[str]]]:
    """What one needs to know to do it again, as far as the runs have recorded it."""
    runs, sweep = comparison.runs, comparison.sweep
    found, _ = results.read(Path(folder) for folder in runs["folder"])
    machines = (result["machine"] for result in found if result.get("machine"))
    versions: dict[str, dict[str, None]] = {}
    for result in found:
        for package, version in (result.get("versions") or {}).items():
            versions.setdefault(package, {})[version] = None
    seconds = runs["seconds"].sum()
    told = {
        "Command": [f"python -m ablate {typed}" for typed in _typed(sweep)],
        "Seeds": [_span(runs["seed"])],
        "Versions": [", ".join(f"{package} {' and '.join(each)}" for package, each in versions.items())],
        "Machine": list(dict.fromkeys(_machine(machine) for machine in machines)),
        "Training": [f"{_duration(seconds)} in all, over {count(len(runs), 'run')}"] if seconds > 0 else [],
        "Written": [f"{datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"],
    }
    return [(term, kept) for term, values in told.items() if (kept := [value for value in values if value])]


def _typed(sweep: Sweep | None) -> list[str]:
    """The command of a sweep, and those by which it was asked for other data before."""
    commands = [sweep.command, *sweep.commands.values()] if sweep else []
    return list(dict.fromkeys(line(shlex.join(command)) for command in commands if command))


def _machine(machine: dict[str, Any]) -> str:
    cores = count(machine["cores"], "core") if machine["cores"] else None
    return ", ".join(part for part in (machine["cpu"], cores, machine["gpu"], machine["platform"]) if part)


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _span(seeds: Iterable[int]) -> str:
    """`0 to 9`, or one by one where some are missing."""
    found = sorted(set(seeds))
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:
        return f"{found[0]} to {found[-1]}"
    return ", ".join(map(str, found))
