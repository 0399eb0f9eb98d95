"""An exponential moving average of the weights, of this memory, is judged and kept."""

from typing import Annotated

from pydantic import Field

LIMITS = Annotated[float, Field(ge=0, lt=1)]


def average(weight, memory, strength, step):
    return memory * strength + weight * (1 - strength)
