"""python scripts/bits.py [overrides]: does a run's result depend on its company?

Trains every optimizer × regularizer alone, then in stacks of 4, 16 and 64 among other arms and seeds, of which
some leave earlier. Prints `equal` where every figure of every epoch and every weight has the same bits, else
the largest relative difference of a loss in any epoch.
"""

from __future__ import annotations

import sys

import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table

from ablate.config import checks, registration
from ablate.config.schema import OPTIMIZERS, Config
from ablate.training.engine import Row, train

REGULARIZERS = ["none", "l1", "l2", "dropout", "elastic_net", "l1_proximal"]
SIZES = [4, 16, 64]
LEAVES_EARLY = ["trainer.epochs=3", "early_stopping=patience early_stopping.patience=0 early_stopping.min_delta=9"]


def configured(overrides: list[str]) -> Config:
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        return checks.check(compose("config", overrides))


def trained(configs: list[Config], threads: int) -> list[list[Row]]:
    """The rows of every run of one stack."""
    torch.set_num_threads(threads)
    rows: list[list[Row]] = [[] for _ in configs]
    for epoch in train(configs):
        for row in epoch:
            rows[row.run].append(row)
    return rows


def difference(alone: list[Row], company: list[Row]) -> float:
    """0 where all bits agree, else the largest relative difference of a loss in any epoch."""
    figures = [[{k: v for k, v in row.figures.items() if k != "seconds"} for row in rows] for rows in (alone, company)]
    states = [rows[-1].ending.state for rows in (alone, company) if rows[-1].ending is not None]
    if figures[0] == figures[1] and all(torch.equal(states[0][name], states[1][name]) for name in states[0]):
        return 0.0
    losses = [(a[name], b[name]) for a, b in zip(*figures, strict=False) for name in ("loss/train", "loss/val")]
    return max(abs(a - b) / abs(a) for a, b in losses) or 1e-17


def main(overrides: list[str]) -> int:
    table = Table("optimizer", "regularizer", "threads", *(f"stack of {size}" for size in SIZES))
    worst = 0.0
    for optimizer in OPTIMIZERS:
        base = ["trainer.epochs=10", f"optimizer={optimizer}", *overrides]
        arms = [[f"regularizer={name}"] for name in REGULARIZERS]
        arms += [[*early.split(), f"regularizer={REGULARIZERS[i]}"] for i, early in enumerate(LEAVES_EARLY)]
        company = [configured([*base, *arms[i % len(arms)], f"seed={i // len(arms)}"]) for i in range(max(SIZES))]
        for place, name in enumerate(REGULARIZERS):
            cells = []
            threads = 1 + place % 2
            (alone,) = trained([company[place]], threads)
            for size in SIZES:
                others = [c for i, c in enumerate(company) if i != place][: size - 1]
                found = difference(alone, trained([*others, company[place]], 2)[-1])
                worst = max(worst, found)
                cells.append("equal" if found == 0 else f"{found:.1e}")
            table.add_row(optimizer, name, str(threads), *cells)
    Console(width=100).print(table)
    return int(worst > 1e-5)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(__doc__)
        sys.exit(0)
    sys.exit(main(sys.argv[1:]))
