"""What belongs to the process in which a call from Python is carried out: put by, and put back when it has ended.

What nobody here changes, such as signals and standard output, has no say here.
"""

from __future__ import annotations

import copy
import os
import random
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from hydra import version
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.singleton import Singleton
from omegaconf.basecontainer import BaseContainer

from ablate.config import registration

# Hydra's state, options of one's own and PyTorch's threads are the process's: calls from several threads take turns.
# One that is made within another (by a user's module) goes on at once.
_TURN = threading.RLock()


@contextmanager
def kept() -> Iterator[None]:
    """Leave nothing changed in a process that others use, and let what they changed have no say."""
    with _TURN, ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        stack.callback(_put_back, dict(os.environ))
        stack.enter_context(_random_numbers())
        stack.enter_context(_torch_defaults())
        stack.enter_context(_hydra_state())
        yield


def _put_back(environment: dict[str, str]) -> None:
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


@contextmanager
def _random_numbers() -> Iterator[None]:
    """A module of the user's may draw from any generator; those of whoever calls stay where they are."""
    import torch

    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - whoever uses it has it back
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _torch_defaults() -> Iterator[None]:
    """PyTorch's defaults, which the caller may have changed: a run's figures follow from its config alone."""
    import torch

    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    torch.set_default_dtype(torch.float32)
    if device.type != "cpu":
        torch.set_default_device(None)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(dtype)
        if device.type != "cpu":
            torch.set_default_device(device)


@contextmanager
def _hydra_state() -> Iterator[None]:
    """A Hydra of our own: that of an application or of `hydra.initialize`, and its configs, are there again after."""
    Plugins.instance()  # imports them, and they store configs: for good, as with any use of Hydra
    instances: dict[type, Any] = Singleton._instances
    resolvers = dict(BaseContainer._resolvers)
    configs = copy.copy(ConfigStore.instance())
    configs.repo = {name: node for name, node in configs.repo.items() if name in _OF_HYDRA}
    Singleton._instances = {kind: instances[kind] for kind in _REGISTRIES} | {ConfigStore: configs}
    version.setbase(registration.HYDRA)
    try:
        yield
    finally:
        Singleton._instances = instances
        BaseContainer._resolvers.clear()
        BaseContainer._resolvers.update(resolvers)


_REGISTRIES: tuple[type, ...] = (Plugins, SourcesRegistry)  # of what is installed
_OF_HYDRA = ("hydra", "_dummy_empty_config_.yaml")
