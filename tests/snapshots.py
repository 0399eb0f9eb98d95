"""What a process has that a call could change: to be compared before and after it."""

from __future__ import annotations

import gc
import logging
import os
import random
import signal
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from hydra.core.config_store import ConfigStore
from hydra.core.singleton import Singleton
from omegaconf.basecontainer import BaseContainer


def snapshot() -> dict[str, Any]:
    """Everything by name, in values that can be compared."""
    loggers = [logging.getLogger(), *logging.Logger.manager.loggerDict.values()]
    return {
        "logging": {id(each): _logger(each) for each in loggers if isinstance(each, logging.Logger)},
        "handlers": [id(ref()) for ref in logging._handlerList],
        "disabled": (logging.root.manager.disable, logging.raiseExceptions),
        "environment": dict(os.environ),
        "collector": (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count()),
        "denormals": sys.float_info.min / 2,
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads(), threading.active_count()),
        "defaults": (torch.get_default_dtype(), torch.get_default_device(), torch.is_grad_enabled()),
        "numpy": np.geterr(),
        "random": (random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()),  # noqa: NPY002
        "signals": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "paths": (list(sys.path), list(sys.argv), Path.cwd()),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "matplotlib": dict(matplotlib.rcParams),
        "streams": (id(sys.stdout), id(sys.stderr), sys.excepthook, threading.excepthook),
        "Hydra": {kind: _of_instance(one) for kind, one in Singleton._instances.items()},
        "configs": _names(ConfigStore.instance().repo),
        "resolvers": dict(BaseContainer._resolvers),
    }


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What differs, but for loggers and handlers that are new: modules bring them along."""
    known = {key: state for key, state in after["logging"].items() if key in before["logging"]}
    after = after | {"logging": known, "handlers": [each for each in after["handlers"] if each in before["handlers"]]}
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def _logger(logger: logging.Logger) -> tuple[Any, ...]:
    handlers = [(id(each), each.level, getattr(each, "stream", None)) for each in logger.handlers]
    return logger.name, handlers, list(logger.filters), logger.level, logger.propagate, logger.disabled


def _of_instance(one: Any) -> Any:
    held = {name: id(value) for name, value in vars(one).items() if name in ("hydra", "cfg", "repo")}
    return id(one), held, repr(getattr(one, "conf", None)), repr(getattr(one, "version_base", None))


def _names(node: Any) -> Any:
    return {key: _names(value) for key, value in node.items()} if isinstance(node, dict) else id(node)
