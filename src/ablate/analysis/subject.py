"""What a run was trained on and with, as its result tells: what a comparison is a comparison of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Subject:
    """Of one run; empty and None where its result doesn't tell.

    target: what is predicted of them; rows: of each part; columns: before
    preprocessing; features: after it; shares: of the classes in the training part; trivial: by metric, what one
    constant answer gives on the test part; epochs: at most, early where it may stop before.
    """

    task: str = ""
    target: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    columns: int | None = None
    features: int | None = None
    classes: Sequence[str] = ()
    shares: Sequence[float] = ()
    trivial: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    parameters: int | None = None
    optimizer: str = ""
    lr: float | None = None
    epochs: int | None = None
    early: bool = False
    batch_size: int | None = None

    @classmethod
    def of(cls, result: dict[str, Any]) -> Subject:
        config, data, model = result["config"], result.get("data") or {}, result.get("model") or {}
        optimizer, trainer = config.get("optimizer") or {}, config.get("trainer") or {}
        trivial = {name: value for name, value in (data.get("trivial") or {}).items() if value is not None}
        return cls(
            task=data.get("task") or "",
            target=data.get("target") or "",
            rows={part: n for part, n in (data.get("rows") or {}).items() if n is not None},
            columns=data.get("columns"),
            features=data.get("features"),
            classes=data.get("classes") or (),
            shares=data.get("shares") or (),
            trivial=trivial,
            model=model.get("name") or config.get("model", {}).get("name", ""),
            parameters=model.get("parameters"),
            optimizer=_word(optimizer.get("name")),
            lr=_figure(optimizer.get("lr")),
            epochs=_whole(trainer.get("epochs")),
            early=(config.get("early_stopping") or {}).get("patience") is not None,
            batch_size=_whole(trainer.get("batch_size")),
        )


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _figure(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
