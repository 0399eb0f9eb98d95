"""A job's log in a process that isn't ours: Hydra's way to it closes every log that the process has."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from logging.config import DictConfigurator
from typing import Any

from omegaconf import OmegaConf

OURS = "ablate"


@contextmanager
def written(hydra: Any) -> Iterator[None]:
    """Write what is logged in this thread to where `hydra.job_logging` says, beside where the process has it written.

    Our own lines go there alone. Others are taken from the level on that their loggers have.

    hydra: a job's settings.
    """
    wanted: Any = OmegaConf.to_container(hydra.job_logging, resolve=True)
    settings = wanted and wanted.get("root")
    if not settings:  # hydra/job_logging=none
        yield
        return
    ours, thread = logging.getLogger(OURS), threading.get_ident()
    level, propagate = ours.level, ours.propagate
    with ExitStack() as stack:
        for handler in _handlers(wanted, settings.get("handlers", [])):
            stack.callback(handler.close)
            handler.addFilter(lambda record: record.thread == thread)
            for logger in (ours, logging.getLogger()):
                logger.addHandler(handler)
                stack.callback(logger.removeHandler, handler)
        stack.callback(setattr, ours, "propagate", propagate)
        stack.callback(ours.setLevel, level)
        ours.propagate = False
        ours.setLevel(settings.get("level", logging.INFO))
        yield


def _handlers(wanted: dict[str, Any], names: list[str]) -> list[logging.Handler]:
    """The handlers of such a config, made as `logging.config` makes them."""
    maker = DictConfigurator(wanted)
    config = maker.config
    for name in config.get("formatters", {}):
        config["formatters"][name] = maker.configure_formatter(config["formatters"][name])
    for name in config.get("filters", {}):
        config["filters"][name] = maker.configure_filter(config["filters"][name])
    return [maker.configure_handler(config["handlers"][name]) for name in names]
