"""Where and how is calculated while a stack trains."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ablate.config.schema import Config


def device(config: Config) -> torch.device:
    """The device that `device` names; auto takes a GPU where there is one."""
    if config.device != "auto":
        return torch.device(config.device)
    return torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")


@contextmanager
def threads(n: int) -> Iterator[None]:
    """At most n threads inside an operation, put back after."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(n, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Numbers below 1e-38 are 0: Adam's moments shrink into them, and a processor is many times slower there."""
    before = sys.float_info.min / 2 == 0  # whether they are already: nothing else tells
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
