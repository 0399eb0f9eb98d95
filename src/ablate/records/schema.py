"""What is read back: its types and bounds, whoever wrote it. Light: no torch.

What decides (which run it is, its config, its figures) must fit, or the whole counts for nothing. What only describes
(`Told`) is left out where it doesn't.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from ablate.options.schema import DEEPEST, MOST, Line, Schema, Seed, plain, refused
from ablate.utils.text import cut, line, listed

WIDEST = 1000  # keys of a group, or metrics
METRIC = re.compile(r"[a-z][a-z0-9_]*/(train|val|test)|penalty|objective")
NAMED = 3  # things left out that are named

T = TypeVar("T")
Count = Annotated[int, Field(ge=0, lt=2**53, strict=True)]
Figure = Annotated[float, Field(ge=-MOST, le=MOST)]
Norm = Annotated[float, Field(ge=0, le=MOST)]
Share = Annotated[float, Field(ge=0, le=1)]
Metric = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/test$")]  # by which arms are compared


def _left_out(value: Any, fits: ValidatorFunctionWrapHandler, info: ValidationInfo[list[str]]) -> Any:
    try:
        return fits(value)
    except ValidationError as error:
        info.context.append(str(refused(error, object, value, str(info.field_name))))
        return None


Told = Annotated[T | None, WrapValidator(_left_out)]


def _known(metrics: Any, info: ValidationInfo[list[str]]) -> Any:
    """Without figures of names that no metric has; the table may have a column of such a name."""
    if not isinstance(metrics, dict):
        return metrics
    known = {name: value for name, value in metrics.items() if METRIC.fullmatch(name)}
    info.context.extend(f"metrics.{cut(name)}: is no metric" for name in metrics if name not in known)
    return known


def _line(value: Any) -> Any:
    return line(value) if isinstance(value, str | int | float) else value


Shown = Annotated[str, BeforeValidator(_line)]  # what data call their columns and classes, made printable
Plain = Annotated[JsonValue, AfterValidator(plain)]
Group = Annotated[dict[Line, Plain], Field(max_length=WIDEST)]


class _Read(Schema, extra="ignore"):
    """What else there is, nobody looks at."""


class _Node(Schema, extra="allow"):
    """A group of a config: keys that tables need, and others that are plain."""

    __pydantic_extra__: dict[Line, Plain]


class _Dataset(_Node):
    name: Line
    val_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.0


class _Stopping(_Node):
    patience: Count | None
    restore_best_weights: bool


class _Config(_Node):
    seed: Seed
    dataset: _Dataset
    model: Group
    regularizer: Group
    early_stopping: _Stopping


class _Origin(_Read):
    code: dict[Line, Line]
    data: Line
    device: Line
    training: Count


class _Rows(_Read):
    train: Count | None = None
    val: Count | None = None
    test: Annotated[Count, Field(ge=1)] | None = None


class _Data(_Read):
    name: Shown | None = None
    task: Line | None = None
    target: Shown | None = None
    rows: _Rows | None = None
    columns: Count | None = None
    features: Count | None = None
    classes: list[Shown] | None = None
    shares: list[Share] | None = None
    trivial: Annotated[dict[Metric, Figure | None], Field(max_length=WIDEST)] | None = None


class _Model(_Read):
    name: Shown | None = None
    parameters: Count | None = None


class _Weights(_Read):
    l1_norm: Norm | None = None
    l2_norm: Norm | None = None
    zeros: Share | None = None
    near_zeros: Share | None = None


class _Machine(_Read):
    platform: Line | None = None
    cpu: Line | None = None
    cores: Count | None = None
    gpu: Line | None = None


class Result(_Read):
    """A result.json."""

    status: Literal["finished", "failed", "diverged"]
    run_id: Line
    arm: Line
    seed: Seed
    config: _Config
    metrics: Annotated[dict[str, Figure | None], Field(max_length=WIDEST), BeforeValidator(_known)]
    origin: _Origin | None = None  # earlier versions didn't tell
    epochs: Count | None = None  # of which its history is looked through
    weights: Told[_Weights] = None
    data: Told[_Data] = None
    model: Told[_Model] = None
    best_epoch: Told[Count] = None
    stopped_epoch: Told[Count] = None
    seconds: Told[Annotated[float, Field(ge=0, le=1e12)]] = None
    error: Told[Line] = None
    versions: Told[dict[Line, Line]] = None
    machine: Told[_Machine] = None


class Tensor(_Read):
    """Of the header of a safetensors file."""

    dtype: Line
    shape: Annotated[list[Count], Field(max_length=DEEPEST)]
    data_offsets: Annotated[list[Count], Field(min_length=2, max_length=2)]


def fitting(kind: type[T], content: Any) -> tuple[T, str]:
    """What was read as what it has to be, and what was left out of it, in words; none where nothing was.

    Raises:
        ConfigError: what decides is missing or doesn't fit.
    """
    out: list[str] = []
    try:
        fits: T = _adapter(kind).validate_python(content, context=out)  # type: ignore[arg-type]
    except ValidationError as error:
        raise refused(error, kind, content, "") from None
    more = [f"{len(out) - NAMED} more"] * (len(out) > NAMED)
    return fits, listed([*out[:NAMED], *more]) if out else ""


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
