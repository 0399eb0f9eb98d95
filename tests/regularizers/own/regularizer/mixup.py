"""Mixup: samples and targets are mixed with those of another, by half of this share at most (Zhang et al. 2018)."""

from typing import Annotated

from pydantic import Field

LIMITS = Annotated[float, Field(ge=0, le=1)]


def inputs(x, y, strength, random):
    other = random.permutations(x.shape[1])
    share = (strength.flatten() / 2 * random.uniform()).view(-1, 1, 1)
    others = x.flatten(2).gather(1, other.unsqueeze(2).expand(-1, -1, x[0, 0].numel())).view(x.shape)
    wide = share.view(-1, *[1] * (x.ndim - 1))
    mixed = (1 - share) * y + share * y.gather(2, other.unsqueeze(1).expand(-1, y.shape[1], -1))
    return (1 - wide) * x + wide * others, mixed
