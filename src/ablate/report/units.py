"""How figures are written: accuracies in per cent, losses as they are, p-values."""

from __future__ import annotations

import pandas as pd

from ablate.utils.text import fixed


class Unit:
    """How a metric is written: accuracies in per cent and their differences in points, losses as they are."""

    def __init__(self, metric: str) -> None:
        figure, _, part = metric.partition("/")
        percent = figure == "accuracy"
        self.scale, self.digits = (100, 2) if percent else (1, 4)
        self.name = f"{part} {figure}"
        self.heading = f"{self.name}, %" if percent else self.name
        self.of_difference = ", points" if percent else ""

    def value(self, figure: float, signed: bool = False) -> str:
        if pd.isna(figure):
            return ""
        text = fixed(figure * self.scale, self.digits, "+" if signed else "")
        return text.replace("-", "+" if signed else "") if not text.strip("+-0.") else text  # no -0.00


def p_value(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "<0.001"
