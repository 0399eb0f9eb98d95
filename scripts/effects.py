"""What regularization does, shown: the pages in docs/effects, with every figure, table and plot made here.

    python scripts/effects.py [PAGE …] [key=value …]

Carries out each page's studies (scripts/effects/study, by name, or the package's own) below outputs/effects: what
is finished there is read, only the rest is trained. Then writes docs/effects/PAGE.md from scripts/effects/PAGE.md
and the plots beside docs/images/effects. All below the current folder. Overrides go to every study.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import matplotlib
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import ablate
from ablate.analysis.comparison import Comparison, compare_folders
from ablate.records.names import RESULT
from ablate.records.recorder import machine
from ablate.utils.errors import ConfigError, RunFailed
from ablate.utils.files import write
from ablate.utils.text import count
from effects_pages import Made, dropout, early_stopping, weights, when_it_helps
from effects_plots import STYLE

HERE = Path(__file__).parent / "effects"
OUT, DOCS, IMAGES = Path("outputs/effects"), Path("docs/effects"), Path("docs/images/effects")


@dataclass(frozen=True)
class Page:
    """A page is made of the comparisons of its studies, by name."""

    studies: tuple[str, ...]
    make: Callable[[dict[str, Comparison]], Made]


PAGES = {
    "weights": Page(("weights",), weights),
    "dropout": Page(("dropout",), dropout),
    "early-stopping": Page(("early_stopping",), early_stopping),
    "when-it-helps": Page(("regularizers", "few_samples"), when_it_helps),
}


def study(name: str, overrides: Sequence[str]) -> Comparison:
    """Carry a study out, as far as that is not done, and compare its arms."""
    ablate.study(name, f"hydra.sweep.dir={OUT / name}", *overrides, config_dir=HERE)
    return compare_folders(OUT / name)


def command(name: str, overrides: Sequence[str]) -> str:
    """What one would type for a study."""
    own = ["--config-dir", "scripts/effects"] if (HERE / "study" / f"{name}.yaml").is_file() else []
    typed = ["python", "-m", "ablate", *own, "-m", f"study={name}", f"hydra.sweep.dir={OUT / name}", *overrides]
    return shlex.join(typed)


def make(name: str, overrides: Sequence[str]) -> Path:
    """Make a page; return where it is."""
    page = PAGES[name]
    before, begun = _finished(page), time.perf_counter()
    try:
        comparisons = {study_name: study(study_name, overrides) for study_name in page.studies}
    finally:
        seconds = _spent(name, before, time.perf_counter() - begun)
    with matplotlib.rc_context():
        matplotlib.rcParams.update(STYLE)
        made = page.make(comparisons)
        IMAGES.mkdir(parents=True, exist_ok=True)
        for plot, figure in made.plots.items():
            figure.savefig(IMAGES / f"{plot}.png", dpi=100, metadata={"Software": None})
    where = machine()
    values = made.values | {
        "command": shlex.join(["python", "scripts/effects.py", name, *overrides]),
        "studies": [{"name": each, "command": command(each, overrides), "file": _file(each)} for each in page.studies],
        "runs": count(sum(len(c.runs) for c in comparisons.values()), "run"),
        "took": f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.1f} min",
        "machine": f"{where['cpu']}, {count(where['cores'], 'core')}, PyTorch {version('torch')}",
    }
    templates = Environment(
        loader=FileSystemLoader(HERE), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown of our own
    )  # fmt: skip
    DOCS.mkdir(parents=True, exist_ok=True)
    write(DOCS / f"{name}.md", templates.get_template(f"{name}.md").render(values))
    return DOCS / f"{name}.md"


def _file(name: str) -> str | None:
    """A study's file, where it is one of these pages and not of the package."""
    path = HERE / "study" / f"{name}.yaml"
    return path.read_text(encoding="utf-8").rstrip() if path.is_file() else None


def _finished(page: Page) -> int:
    return sum(1 for name in page.studies for _ in (OUT / name).rglob(RESULT))


def _spent(name: str, before: int, seconds: float) -> float:
    """How long a page's studies took, over all the commands that trained something of them."""
    record = OUT / f"{name}.seconds"
    spent = float(record.read_text()) if before and record.is_file() else 0.0
    if _finished(PAGES[name]) > before:
        spent = round(spent + seconds, 1)
        write(record, f"{spent}\n")
    return spent


def main(arguments: Sequence[str]) -> int:
    overrides = [argument for argument in arguments if "=" in argument]
    names = [argument for argument in arguments if "=" not in argument] or list(PAGES)
    if strange := [name for name in names if name not in PAGES]:
        print(f"error: {strange[0]}: no such page; must be one of {', '.join(PAGES)}", file=sys.stderr)
        return 2
    for name in names:
        try:
            print(f"wrote {make(name, overrides)}")
        except (ConfigError, RunFailed) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
