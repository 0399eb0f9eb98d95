"""history.csv: a row of figures an epoch, as training goes on."""

from __future__ import annotations

import csv
from pathlib import Path

from ablate.records.names import HISTORY
from ablate.training.engine import Row
from ablate.utils.files import adding


class History:
    """Adds to a run's history; what was there stays."""

    def __init__(self, folder: Path) -> None:
        self.file = adding(folder / HISTORY, newline="", encoding="utf-8")
        self.rows = csv.writer(self.file)
        self.flush, self.close = self.file.flush, self.file.close

    def take(self, row: Row) -> None:
        if row.epoch == 1:
            self.rows.writerow(["epoch", *row.figures])
        self.rows.writerow([row.epoch, *row.figures.values()])
