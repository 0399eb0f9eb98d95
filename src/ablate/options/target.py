"""What a YAML names by `_target_: package.module.name`, Hydra's convention: a class or function and its arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, ClassVar

from hydra._internal.utils import _locate  # hydra.utils.get_object logs what it raises
from hydra.utils import instantiate
from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from ablate.options import code
from ablate.options.discovery import blamed
from ablate.options.schema import ModelConfig, Scaling, Schema, Seed, TableConfig
from ablate.utils.errors import ConfigError, one_line, refuse

TARGET = "_target_"
OWN = "_own_"
SHARED = ("name", "val_fraction", "test_fraction", "split_seed", "scaling")  # every dataset's, and told to a function

AS_ARGUMENTS = ConfigDict(extra="allow", serialize_by_alias=True)


class Target(Schema):
    """Keys beside those of the schema are arguments, and may name targets themselves."""

    option: ClassVar[str]  # the group of options that it is one of
    model_config = AS_ARGUMENTS
    function: str = Field(alias="_target_", description="package.module.name of a class or function")

    @property
    def arguments(self) -> dict[str, Any]:
        return dict(self.model_extra or {})

    @property
    def known(self) -> dict[str, Any]:
        """The keys of the schema, which are no arguments."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "function"}

    def decides(self, apart: Collection[str] = ()) -> tuple[Any, ...]:
        """With the function itself: one that was defined anew in a notebook has the same name."""
        return *super().decides(apart), self.located()

    def code(self) -> dict[str, str]:
        """The code of what it names, its arguments too: digests, as `options.code` gives them.

        Raises:
            ConfigError: there is none of this name; its source can't be read.
        """
        found = code.of_object(self.function, self.located())
        for name in targets(self.arguments):
            found |= code.of_object(name, _located(self.option, name))
        return found

    def located(self) -> Callable[..., Any]:
        """The class or function.

        Raises:
            ConfigError: there is none of this name.
        """
        return _located(self.option, self.function)


class TargetModel(Target, ModelConfig):
    """A class of modules, or a function that returns one; it gets `shape` and `outputs` where it takes them."""

    option = "model"
    model_config = AS_ARGUMENTS


class TargetDataset(Target, TableConfig):
    """A function that returns samples and labels: x, y, or x, y, test_x, test_y; a data frame; a torch Dataset; or a
    `data.Source`.

    A key of ours that may be left out, and that the function's own signature names (`samples`, say), is the function's
    argument, and not ours.
    """

    option = "dataset"
    model_config = AS_ARGUMENTS

    val_fraction: float = Field(default=0.2, gt=0, lt=1, description="share of the samples for validation")
    test_fraction: float = Field(default=0.2, gt=0, lt=1, description="share for the test, where no test part is given")
    split_seed: Seed | None = Field(default=0, description="seed of the split; null: it follows the run's seed")
    scaling: Scaling = Field(default="standard", description="as of any dataset")
    own: dict[str, Any] = Field(default={}, alias="_own_", exclude=True, description="arguments named as keys of ours")

    @property
    def arguments(self) -> dict[str, Any]:
        return super().arguments | self.own

    @property
    def known(self) -> dict[str, Any]:
        return {name: value for name, value in super().known.items() if name in SHARED}

    @model_validator(mode="before")
    @classmethod
    def _apart(cls, node: Any) -> Any:
        """The node with the function's own arguments in `own`."""
        if not isinstance(node, dict) or not isinstance(name := node.get(TARGET), str):
            return node
        given = {key for key in TableConfig.model_fields if key not in SHARED and node.get(key) is not None}
        mine = given & set(_parameters(_located(cls.option, name))) if given else set()
        return {key: value for key, value in node.items() if key not in mine} | {OWN: {key: node[key] for key in mine}}

    @model_serializer(mode="wrap")
    def _together(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        return found | self.own


def call(config: Target, **known: Any) -> Any:
    """What the target returns for its arguments, and for those of `known` and of our keys that its signature names.

    Raises:
        ConfigError: there is no such target, or it raised; names its file and the line.
    """
    function = config.located()
    named = _parameters(function)
    ours = config.known | known
    filled = {key: value for key, value in ours.items() if key in named and key not in config.arguments}
    try:
        return instantiate({TARGET: config.function, **config.arguments}, **filled, _convert_="all")
    except (Exception, SystemExit) as error:
        cause = error.__cause__ or error  # Hydra wraps what was raised
        if isinstance(cause, ConfigError):
            raise cause from None
        where = blamed(cause, _file(function))
        raise ConfigError(f"{config.option}.{TARGET}={config.function}: {where}: {one_line(cause)}") from error


def _parameters(function: Callable[..., Any]) -> Collection[str]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some built-in types have no signature
        return ()


def targets(node: Any) -> Iterator[str]:
    """What a config, or the arguments of a target, name somewhere by `_target_`."""
    for each in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        yield from targets(each)
    if isinstance(node, dict) and isinstance(name := node.get(TARGET), str):
        yield name
        if name.startswith("hydra.utils.get_") and isinstance(path := node.get("path"), str):
            yield path  # Hydra's way to hand over a class or a function itself


def _located(group: str, name: str) -> Callable[..., Any]:
    try:
        found = _locate(name)
    except (Exception, SystemExit) as error:  # whatever the module may raise
        cause = error.__cause__ or error
        missing = cause.name if isinstance(cause, ModuleNotFoundError) else None
        said = f"there is no {missing}" if missing else one_line(cause)
        allowed = f"can't be imported ({said}); its folder must be installed, on PYTHONPATH, or the one you are in"
        raise refuse(f"{group}.{TARGET}", name, allowed) from error
    if not callable(found):
        raise refuse(f"{group}.{TARGET}", name, f"must be a class or a function, and is of type {type(found).__name__}")
    return found


def file(config: Target) -> Path:
    """Where the target is defined, as far as that can be told."""
    return _file(config.located())


def _file(function: Callable[..., Any]) -> Path:
    try:
        return Path(inspect.getsourcefile(inspect.unwrap(function)) or "?")
    except (TypeError, OSError):  # built in, or typed into a notebook
        return Path(getattr(inspect.getmodule(function), "__file__", None) or "?")
