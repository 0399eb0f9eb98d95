"""What the pydantic models of a config have in common. Light: no torch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]


class Schema(BaseModel):
    """Keys with types and limits. Nothing is converted but whole numbers to floats; NaN is refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)


class DatasetConfig(Schema):
    """The keys of every dataset; a module in ablate/data adds its own."""

    name: str
    val_fraction: float = Field(gt=0, lt=1, description="share of the samples for validation")
    split_seed: Seed | None = Field(description="seed of the split; null: it follows the run's seed")
    scaling: Literal["standard", "unit", "none"] = Field(
        description="standard: mean 0, SD 1; unit: 0 to 1; by the training part's figures"
    )


class ModelConfig(Schema):
    """The keys of every model; a module in ablate/models adds its own.

    mixes: keys in which runs of one stack may differ: the p of layers of nn.Dropout (whatever else reads a p
    would get that of the first run), and what only decides the initialisation.
    """

    mixes: ClassVar[frozenset[str]] = frozenset()
    name: str
