"""How arms look wherever they are shown together."""

from __future__ import annotations

from dataclasses import dataclass

from ablate.analysis.comparison import Comparison
from ablate.report.svg import COLOURS

ARMS = ("arm1", "arm2", "arm3", "arm4", "arm5")
SHAPES = {"s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "*": "★"}  # matplotlib's markers, as text


@dataclass(frozen=True)
class Look:
    """How an arm looks wherever it is shown: a colour and a shape, as not everyone can tell all colours apart."""

    colour: str  # of `svg.NAMES`
    marker: str

    @classmethod
    def of_arm(cls, place: int) -> Look:
        """The look of the nth arm: 30 of them differ."""
        return cls(ARMS[place % len(ARMS)], list(SHAPES)[place % len(SHAPES)])

    @property
    def ink(self) -> str:
        return COLOURS[self.colour]

    @property
    def glyph(self) -> str:
        return SHAPES.get(self.marker, "●")


BASELINE = Look("baseline", "o")


def looks(comparison: Comparison) -> dict[str, Look]:
    """How every arm looks: baselines grey, the strengths of one arm alike, the others each in its own way."""
    names = dict(zip(comparison.runs["arm"], comparison.runs["arm"], strict=True))
    if len(comparison.strengths):
        names |= dict(zip(comparison.strengths["arm"], comparison.strengths["study_arm"], strict=True))
    baselines = {names[arm] for arm in comparison.arms["baseline"]}
    ordered = dict.fromkeys(names[arm] for arm in [*comparison.arms["arm"], *names] if names[arm] not in baselines)
    of = {name: Look.of_arm(place) for place, name in enumerate(ordered)} | dict.fromkeys(baselines, BASELINE)
    return {arm: of[name] for arm, name in names.items()}
