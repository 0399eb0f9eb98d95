"""What the pydantic models of a config have in common. Light: no torch."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import reduce
from operator import getitem
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ablate.options.discovery import Group
from ablate.utils.errors import ConfigError, one_of, refuse
from ablate.utils.files import short
from ablate.utils.text import cut, shown

MOST = 1e100  # size of a number: of larger ones squares, sums and axes are none
DEEPEST = 100  # levels of a config


def printable(text: str) -> str:
    """Raises: ValueError: the text is not one line, or has something in it that can't be printed."""
    if not text.isprintable():
        raise ValueError("must be one line that can be printed")
    return text


def plain(value: Any, level: int = 0) -> Any:
    """A value of a config, whoever gave it: all text in it can be printed, all numbers can be reckoned with.

    Raises:
        ValueError: it is no such value.
    """
    if level > DEEPEST:
        raise ValueError(f"must have at most {DEEPEST} levels")
    if isinstance(value, dict):
        for key in value:
            printable(key)
    for each in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        plain(each, level + 1)
    if isinstance(value, str):
        printable(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    if isinstance(value, int | float) and abs(value) > MOST:
        raise ValueError(f"must be from {-MOST:g} to {MOST:g}")
    return value


Line = Annotated[str, AfterValidator(printable)]  # a name, a sentence: wherever it is shown, it breaks nothing
Probability = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Scaling = Literal["standard", "robust", "quantile", "unit", "none"]
Width = Annotated[int, Field(ge=1, le=100_000_000)]  # of a layer; what the memory holds is found out later


class Schema(BaseModel):
    """Keys with types and limits. Nothing is converted but whole numbers to floats; NaN is refused.

    modules: the group whose modules give the keys, where they come of modules.
    """

    modules: ClassVar[Group | None] = None
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    def decides(self, apart: Collection[str] = ()) -> tuple[Any, ...]:
        """What two of them have in common that are the same: hashable, for caches. apart: keys that don't matter."""
        return type(self), self.model_dump_json(exclude=set(apart))


@dataclass(frozen=True)
class Keyed:
    """A config as the key of a cache, which finds it by what it decides and is given it as it is."""

    key: tuple[Any, ...]
    config: Any = field(compare=False)

    @classmethod
    def of(cls, config: Schema, apart: Collection[str] = ()) -> Keyed:
        """apart: keys that don't matter."""
        return cls(config.decides(apart), config)


class DatasetConfig(Schema):
    """The keys of every dataset; a module in ablate/data adds its own."""

    name: str = Field(description="which dataset; choose it with dataset=…")
    val_fraction: float = Field(
        gt=0, lt=1, description="share of the samples for validation, a published test part not counted"
    )
    split_seed: Seed | None = Field(description="seed of the split; null: it follows the run's seed")
    scaling: Scaling = Field(
        description="standard: mean 0, SD 1; robust: median 0, quartiles 1 apart; quantile: each number by its rank, "
        "as a normal distribution has it (tables); unit: 0 to 1; none: as they come. By the training part's figures "
        "alone, a column or a colour at a time"
    )
    samples: Annotated[int, Field(ge=1)] | None = Field(
        default=None,
        description="how many of the training samples are used, the smaller part within the larger; null: all",
    )
    in_memory: bool | None = Field(
        default=None,
        description="whether all samples are kept in memory, or read while training; null: where there is room. No "
        "figure depends on it",
    )


def _named(value: Any) -> Any:
    """The name of a column, which may look like a number: `2019`."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


ColumnName = Annotated[str, BeforeValidator(_named)]


class TableConfig(DatasetConfig):
    """The keys of a dataset whose samples are the rows of a data frame."""

    target: ColumnName | list[ColumnName] | None = Field(
        default=None, description="the column that is to be predicted; several: of several labels or numbers a row"
    )
    test_fraction: float = Field(default=0.2, gt=0, lt=1, description="share of the rows for the test")
    missing: Literal["refuse", "impute", "drop"] = Field(
        default="refuse",
        description="refuse: a missing value is an error; impute: the training part's median, with a column beside it "
        "that says where, of categories one of its own; drop: leave such rows out",
    )
    rare: float = Field(
        default=0.01, ge=0, lt=1, description="categories with a smaller share of the training rows are joined into one"
    )
    number: list[ColumnName] = Field(default=[], description="columns that are numbers, whatever they look like")
    category: list[ColumnName] = Field(default=[], description="columns that are categories")
    date: list[ColumnName] = Field(default=[], description="columns that are dates")
    ignore: list[ColumnName] = Field(default=[], description="columns that are left out")
    group: ColumnName | None = Field(
        default=None, description="a column, such as a patient: rows that share its value stay together in the split"
    )
    time: ColumnName | None = Field(
        default=None, description="a column by which the split is made: the latest rows are tested on"
    )
    weight: ColumnName | None = Field(default=None, description="a column: how much a row counts in loss and metrics")


class ModelConfig(Schema):
    """The keys of every model; a module in ablate/models adds its own.

    mixes: keys in which runs of one stack may differ: the p of layers of nn.Dropout (whatever else reads a p
    would get that of the first run), and what only decides the initialisation.
    """

    mixes: ClassVar[frozenset[str]] = frozenset()
    name: str = Field(description="which model; choose it with model=…")


def typed(schema: type[Schema], node: Any, group: str) -> Any:
    """`node` as an instance of `schema`.

    Raises:
        ConfigError: names the key below `group` that is wrong, what was given and what is allowed.
    """
    try:
        return schema.model_validate(node)
    except ValidationError as error:
        raise refused(error, schema, node, group) from None


def refused(error: ValidationError, schema: type, node: Any, group: str) -> ConfigError:
    """Pydantic's error about `node` in one line: the key below `group` that is wrong, what was given and allowed."""
    first = error.errors()[0]
    given, allowed = first["input"], _said(first)
    where = [part for part in first["loc"] if not str(part).startswith(("constrained-", "list["))]
    if where and isinstance(where[-1], int):  # an item: what was typed is the list
        allowed = f"its {cut(shown(given))} {allowed}"
        given = reduce(getitem, where := where[:-1], node)
    key = ".".join(str(part) for part in ([group, *where] if group else where)) or group
    if first["type"] == "extra_forbidden" and issubclass(schema, Schema):
        missing = f"; there is no module {short(schema.modules.file(str(where[-1])))}" if schema.modules else ""
        return ConfigError(f"{key}: no such key; {one_of(schema.model_fields, where[-1])}{missing}")
    if first["type"] == "missing":
        return ConfigError(f"{key}: is missing")
    return refuse(key, given, allowed)


def _said(error: ErrorDetails) -> str:
    """Pydantic's words for a person at a command line."""
    if error["type"] == "model_type":
        return "must be a group of keys"
    if error["type"] == "list_type" and isinstance(error["input"], int | float):
        return f"must be a list, such as {shown([error['input']])}"
    message = error["msg"].replace("Input should be", "must be").replace("List should have", "must have")
    return message.partition(" after validation")[0].removeprefix("Value error, ")
