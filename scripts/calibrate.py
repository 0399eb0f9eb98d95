"""Are the verdicts calibrated? False alarms of studies without a difference, power of studies with one.

Simulated: a baseline and arms whose figures differ by noise alone (normal, skewed, or as coarse as accuracies on few
samples are), with a part that seeds share; the share of studies in which any arm gets a verdict must not exceed 5 %,
of one data setting or of several in a table (as `dataset.split_seed=0,1,2,3` makes them). Then one arm is better by so
much, and how often that is found is set against theory. Looks: the same study is compared again when seeds have
been added to it. Real: one arm of digits, trained with seeds of its own for each of two names (A/A), compared as if
they were two arms.

    python scripts/calibrate.py [--studies 2000] [--arms 4] [--seeds 10] [--settings 4] [--looks 10,20,40] [--aa 20]
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import binom, binomtest

from ablate.analysis.comparison import compare_folders
from ablate.analysis.inference import LEVEL, power
from ablate.analysis.statistics import Setting, compare, compare_together
from ablate.cli.perform import perform
from ablate.utils.console import FINISHED

ALARMS = ("better", "worse")
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

# Mean 0 and SD 1: of skewness 0, 2 and 6, and in whole steps that are nearly as large as the SD.
NOISES: dict[str, Noise] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "exponential": lambda random, shape: random.exponential(size=shape) - 1,
    "log-normal": lambda random, shape: (random.lognormal(size=shape) - np.exp(0.5)) / np.sqrt(np.exp(2) - np.exp(1)),
    "coarse": lambda random, shape: random.normal(size=shape).round() / np.sqrt(1 + 1 / 12),
}


def simulated(random: np.random.Generator, noise: Noise, arms: int, seeds: int, better_by: float = 0.0) -> pd.DataFrame:
    """A study's table: figures with noise of SD 1 that is each run's own, and as much that a seed's runs share."""
    figures = noise(random, (arms + 1, seeds)) + noise(random, (1, seeds))
    figures[1] += better_by
    index = pd.MultiIndex.from_product([[f"arm{i}" for i in range(arms + 1)], range(seeds)], names=["arm", "seed"])
    return pd.DataFrame({"figure": figures.ravel()}, index=index).reset_index()


def alarms(studies: int, noise: Noise, arms: int, seeds: int, settings: int = 1) -> int:
    """How many of so many studies without a difference, each with so many data settings, give any arm a verdict."""
    random, alarmed = np.random.default_rng(0), 0
    for _ in range(studies):
        tables = [Setting(simulated(random, noise, arms, seeds), "arm0", "figure", True) for _ in range(settings)]
        compared = compare_together(tables)
        alarmed += any(bool(table["verdict"].isin(ALARMS).any()) for table in compared)
    return alarmed


def looked_at(studies: int, noise: Noise, arms: int, looks: list[int]) -> list[int]:
    """How many of so many studies without a difference have given a verdict by each look, at so many seeds."""
    random = np.random.default_rng(2)
    alarmed = [0] * len(looks)
    for _ in range(studies):
        table, seen = simulated(random, noise, arms, max(looks)), False
        for i, seeds in enumerate(looks):
            seen = seen or bool(
                compare(table[table["seed"] < seeds], "arm0", "figure", True)["verdict"].isin(ALARMS).any()
            )
            alarmed[i] += seen
    return alarmed


def found(studies: int, noise: Noise, seeds: int, better_by: float) -> int:
    """How many of so many studies of two arms find that one is better, as it is."""
    random = np.random.default_rng(1)
    tables = (simulated(random, noise, 1, seeds, better_by) for _ in range(studies))
    return sum(compare(table, "arm0", "figure", True)["verdict"].iloc[1] == "better" for table in tables)


def real(studies: int, seeds: int) -> list[str]:
    """The verdicts of A/A studies on digits, of runs with seeds 0 to 2·studies·seeds - 1."""
    with tempfile.TemporaryDirectory() as folder:
        count = 2 * studies * seeds
        arguments = ["-m", f"seed=range({count})", "logging.tensorboard=false", f"hydra.sweep.dir={folder}"]
        ended = perform(arguments)
        if ended.status != FINISHED:
            raise SystemExit(ended.line)
        runs = compare_folders(Path(folder)).runs.sort_values("seed")
    runs["arm"] = np.tile(np.repeat(["A", "B"], seeds), studies)
    runs["seed"] = np.tile(np.arange(seeds), 2 * studies)
    verdicts = []
    for _, table in runs.groupby(np.repeat(np.arange(studies), 2 * seeds)):
        verdicts.append(str(compare(table, "A", "accuracy/test")["verdict"].iloc[1]))
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("studies", 2000), ("arms", 4), ("seeds", 10), ("settings", 4), ("aa", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--looks", type=lambda text: sorted(map(int, text.split(","))), help="e.g. 10,20,40")
    given = parser.parse_args()
    console, limit = Console(width=100), 1 - LEVEL

    table = Table("noise", "data", "seeds", "studies", "with a false alarm", "share", "95 % interval", "at most 5 %")
    for name, noise in NOISES.items():
        for settings, seeds in product(sorted({1, given.settings}), sorted({6, given.seeds})):
            n = alarms(given.studies, noise, given.arms, seeds, settings)
            low, high = binomtest(n, given.studies).proportion_ci()
            cells = (
                f"{n / given.studies:.2%}",
                f"{low:.2%} to {high:.2%}",
                "yes" if n / given.studies <= limit else "NO",
            )
            table.add_row(name, str(settings), str(seeds), str(given.studies), str(n), *cells)
    console.print(f"No arm differs from the baseline ({given.arms} arms, Holm):", table)

    table = Table("noise", "true difference, SD of differences", "found", "theory")
    for name, noise in NOISES.items():
        for effect in (0.25, 0.5, 0.75, 1.0, 1.25, 1.5):
            n = found(given.studies, noise, given.seeds, effect * np.sqrt(2))
            theory = power(effect, 1.0, given.seeds, limit)
            table.add_row(name, f"{effect:.2f}", f"{n / given.studies:.1%}", f"{theory:.1%}")
    console.print(f"One arm is better ({given.seeds} seeds; theory is for normal noise):", table)

    if given.looks:
        table = Table("noise", "looks at seeds", "studies", "with a false alarm", "share", "95 % interval")
        for name, noise in NOISES.items():
            for i, n in enumerate(looked_at(given.studies, noise, given.arms, given.looks)):
                low, high = binomtest(n, given.studies).proportion_ci()
                so_far = ", ".join(map(str, given.looks[: i + 1]))
                table.add_row(
                    name, so_far, str(given.studies), str(n), f"{n / given.studies:.2%}", f"{low:.2%} to {high:.2%}"
                )
        console.print(f"Seeds are added after a look; no arm differs ({given.arms} arms, Holm):", table)

    if given.aa:
        verdicts = real(given.aa, given.seeds)
        n = sum(verdict in ALARMS for verdict in verdicts)
        chance = binom.sf(n - 1, given.aa, limit)
        console.print(
            f"A/A on digits: {n} of {given.aa} studies of {given.seeds} seeds with a false alarm; "
            f"{given.aa * limit:g} are expected at most (as many or more by chance: {chance:.0%})"
        )


if __name__ == "__main__":
    main()
