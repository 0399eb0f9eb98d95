"""The schema of a run's config: which keys there are, of which type, and what values are allowed.

Hydra composes the YAML files in conf/; `check` turns the result into a typed `Config` or refuses it in one
line. Nothing here imports torch, so that a wrong key is answered at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BeforeValidator, Field, create_model

from ablate import data, models, regularizers
from ablate.errors import ConfigError, one_of, refuse
from ablate.files import filename
from ablate.schema import Probability, Schema, Seed, typed

# A model's own dropout figures, not regularizer.dropout, are what is in force.
NOISE = ("dropout", "input_dropout")
NOT_OURS = ("hydra", "experiment", "study")  # nodes of a composed config that say nothing of a single run


def folder() -> Path:
    """conf/: inside the installed package, or at the top of the repository."""
    installed = Path(__file__).parent / "conf"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "conf"


def _every(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)? ?min", value):
        return value
    raise ValueError("must be a number of epochs, minutes such as 5min, or null")


class Trainer(Schema):
    epochs: int = Field(ge=1, le=1_000_000, description="passes over the training part, at most")
    batch_size: int = Field(ge=1, lt=2**31, description="samples of a training step; an epoch's last may have fewer")
    checkpoint_every: Annotated[int | str | None, BeforeValidator(_every)] = Field(
        description="epochs, or minutes such as 5min, from one checkpoint to the next; null: none"
    )

    def checkpoint_is_due(self, epoch: int, seconds: float) -> bool:
        """After this epoch, so many seconds after the last checkpoint."""
        every = self.checkpoint_every
        if isinstance(every, str):
            return seconds >= 60 * float(every.removesuffix("min"))
        return every is not None and epoch % every == 0


class Logging(Schema):
    """What a run's TensorBoard files hold. No figure of a run depends on it."""

    tensorboard: bool = Field(description="whether there are any")
    histograms: int = Field(
        ge=0, description="epochs from one histogram of every kernel and its gradient to the next; 0: none"
    )
    images: bool = Field(description="the confusion matrix and the worst mistakes on the validation part, at the end")
    graph: bool = Field(description="the model's graph")


class Stacking(Schema):
    """How runs are trained together. No figure of a run depends on it."""

    size: Annotated[int, Field(ge=1)] | None = Field(description="most runs in a stack; null: as memory allows")
    workers: Annotated[int, Field(ge=1)] | None = Field(description="processes; null: as many as pay")


class EarlyStopping(Schema):
    """Keras' parameters; `patience` null never stops."""

    monitor: Literal["loss/train", "loss/val", "accuracy/train", "accuracy/val"] = Field(
        description="the figure that is watched. It never contains the penalty. Keras' names (val_loss) are understood"
    )
    mode: Literal["min", "max"] = Field(description="min for a loss, max for an accuracy; any other pair is refused")
    patience: Annotated[int, Field(ge=0)] | None = Field(
        description="epochs without improvement after which a run stops; 0 is as good as 1; null: it never stops"
    )
    min_delta: float = Field(ge=0, description="a change of this much or less is no improvement")
    baseline: float | None = Field(description="only what is better than this counts as progress; null: anything does")
    start_from_epoch: int = Field(ge=0, description="epochs to wait before it looks; 0: it looks from the first on")
    restore_best_weights: bool = Field(
        description="true: the run ends with the weights of its best epoch, whether it was stopped or not; "
        "false: with the last"
    )


class Optimizer(Schema):
    name: str = Field(description="which update rule; choose it with optimizer=…")
    lr: float = Field(gt=0, description="learning rate")


class Adam(Optimizer):
    beta1: Probability = Field(description="decay of the mean of the gradients, a step; 0: no memory")
    beta2: Probability = Field(description="decay of the mean of their squares, a step")
    eps: float = Field(gt=0, description="added to the root that divides a step")


class AdamW(Adam):
    weight_decay: float = Field(
        ge=0, description="every step takes lr·weight_decay·w off every parameter, biases too; 0: none"
    )


class SGD(Optimizer):
    momentum: Probability = Field(description="share of the last step that goes on; 0: none")
    nesterov: bool = Field(description="look ahead along the momentum, which must be above 0")


class RMSprop(Optimizer):
    alpha: Probability = Field(description="decay of the mean of the squared gradients, a step; Keras' rho")
    eps: float = Field(gt=0, description="added to the root that divides a step")
    momentum: Probability = Field(description="share of the last step that goes on; 0: none")


OPTIMIZERS: dict[str, type[Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD, "rmsprop": RMSprop}

# A number for every module in ablate/regularizers, 0 where a config has no say: that is what makes arms
# combine, and share a stack.
UNREGULARIZED: dict[str, Any] = {**dict.fromkeys(regularizers.names(), 0.0), "layers": "all"}


class Strengths(Schema):
    package = regularizers.__name__


@cache
def _regularizer() -> type[Strengths]:
    """The schema of `regularizer`.

    Raises:
        ConfigError: a module in ablate/regularizers can't be used.
    """
    keys: dict[str, Any] = {
        name: (regularizers.limits(name), Field(UNREGULARIZED[name], description=regularizers.summary(name)))
        for name in regularizers.names()
    }
    kernels = "which kernels are penalised: all, or all but the output layer's. Biases never are"
    keys["layers"] = (Literal["all", "hidden"], Field(UNREGULARIZED["layers"], description=kernels))
    return create_model("Regularizer", __base__=Strengths, __module__=__name__, **keys)


if TYPE_CHECKING:
    Regularizer: type[Strengths]
else:

    def __getattr__(name: str) -> Any:
        """`Regularizer`, made when it is asked for: a bad module is refused as a bad config is, not on import."""
        if name == "Regularizer":
            return _regularizer()
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Config(Schema):
    """One run, resolved and checked. dataset and model are the `Config` of their module."""

    seed: Seed = Field(description="of initialisation, batch order and dropout, which draw from streams of their own")
    device: str = Field(
        description="auto: a GPU where there is one, else the CPU; cpu, cuda, cuda:1, mps: as PyTorch names them"
    )
    dataset: Any = Field(description="what is learnt from, how it is split and scaled")
    model: Any = Field(description="what is trained")
    regularizer: Any = Field(
        description="the strengths of all regularizers. Every config has every one of them, 0 where it has no say"
    )
    early_stopping: EarlyStopping = Field(description="when a run stops before its last epoch. The names are Keras'")
    optimizer: Any = Field(description="how weights are updated: PyTorch's own rules")
    trainer: Trainer = Field(description="how long and in which steps is trained")
    logging: Logging = Field(description="what a run records beside its history and its result")
    stack: Stacking = Field(description="how the runs of a sweep train together. No figure of a run depends on it")
    rerun: Literal["failed", "all", "none"] = Field(
        description="which of the runs that a sweep finds in its folder are done again"
    )

    @property
    def split_seed(self) -> int:
        """The seed of the split: its own, or the run's where `dataset.split_seed` is null."""
        chosen = self.dataset.split_seed
        return self.seed if chosen is None else chosen

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of every penalty, by name."""
        return {name: getattr(self.regularizer, name) for name in regularizers.penalties()}


def sweep_folder(study: str | None, now: str) -> str:
    """A study has one place, so that the same command finishes what is missing; other sweeps one each."""
    return f"sweeps/{now}" if study is None else f"studies/{filename(study)}"


def check(composed: DictConfig) -> Config:
    """The typed config of one run.

    Raises:
        ConfigError: a key is missing, unknown, of the wrong type or out of range.
    """
    try:
        ours = OmegaConf.masked_copy(composed, [str(key) for key in composed if key not in NOT_OURS])
        given: Any = OmegaConf.to_container(ours, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        said = str(error.msg or error).strip().splitlines()[0]
        raise ConfigError(f"{error.full_key or 'config'}: {said}") from None
    _accept_keras_names(given.get("early_stopping"))
    named: dict[str, tuple[Collection[str], Callable[[str], type[Schema]]]] = {
        "dataset": (data.names(), data.schema),
        "model": (models.names(), models.schema),
        "optimizer": (OPTIMIZERS, OPTIMIZERS.__getitem__),
    }
    # First, because a model's dropout follows it: a bad value is named where it was given.
    given["regularizer"] = typed(_regularizer(), given.get("regularizer"), "regularizer")
    for group, (names, schema) in named.items():
        given[group] = typed(_chosen(group, given.get(group), names, schema), given[group], group)
    config = typed(Config, given, "")
    _check_together(config)
    return config


def _chosen(group: str, node: Any, names: Collection[str], schema: Callable[[str], type[Schema]]) -> type[Schema]:
    """The schema of the option that `group.name` names."""
    if not isinstance(node, dict):
        raise refuse(group, node, "must be a group of keys")
    name = node.get("name")
    if not isinstance(name, str) or name not in names:
        raise refuse(f"{group}.name", name, one_of(names, name))
    return schema(name)


def _accept_keras_names(node: Any) -> None:
    """`val_loss` is `loss/val`, `accuracy` is `accuracy/train`: Keras' names for what is monitored."""
    if isinstance(node, dict) and isinstance(node.get("monitor"), str):
        figure = node["monitor"].removeprefix("val_")
        if figure in ("loss", "accuracy"):
            node["monitor"] = f"{figure}/{'val' if node['monitor'].startswith('val_') else 'train'}"


def _check_together(config: Config) -> None:
    """What no key can tell by itself."""
    stopping = config.early_stopping
    right = "max" if stopping.monitor.startswith("accuracy") else "min"
    if stopping.mode != right:
        raise refuse("early_stopping.mode", stopping.mode, f"must be {right} where {stopping.monitor} is monitored")
    fractions = config.dataset.val_fraction + getattr(config.dataset, "test_fraction", 0.0)
    if fractions >= 1:
        raise refuse("dataset.val_fraction", config.dataset.val_fraction, "leaves no samples for training")
    if getattr(config.optimizer, "nesterov", False) and not config.optimizer.momentum:
        raise refuse("optimizer.nesterov", True, "wants a momentum above 0")
    if config.device not in ("auto", "cpu") and not _device_is_there(config.device):
        raise refuse("device", config.device, "is no device of this machine; auto and cpu always are")


def _device_is_there(name: str) -> bool:
    import torch

    try:
        torch.empty(0, device=name).cpu()
    except (RuntimeError, AssertionError, NotImplementedError, OSError):
        return False
    return torch.device(name).type != "meta"


def advice(config: Config) -> list[str]:
    """What the notes' rules of thumb warn of, a line each."""
    stopping = config.early_stopping
    unwatched = stopping.patience is not None and stopping.start_from_epoch >= config.trainer.epochs
    limits = {
        "dropout": (0.3, "much information is lost"),
        "input_dropout": (0.25, "much of the input is lost"),
    }
    return [
        f"model.{key}={value:g} is above {most}: {why}"
        for key, (most, why) in limits.items()
        if (value := getattr(config.model, key, 0.0)) > most
    ] + [
        f"early_stopping.start_from_epoch={stopping.start_from_epoch} is not below trainer.epochs="
        f"{config.trainer.epochs}: nothing is watched, and no weights are restored"
    ] * unwatched


def strength(value: float) -> str:
    """A strength as people write it: 0.2, 0.01, 1e-4."""
    if value == 0 or abs(value) >= 0.01:
        return f"{value:g}"
    mantissa, exponent = f"{value:.6e}".split("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def arm(config: Config) -> str:
    """What regularizes this run, in a few words: `none`, `l1=1e-4`, `l1=1e-4 dropout=0.2`."""
    penalties = config.strengths
    noise = {key: getattr(config.model, key, 0.0) for key in NOISE}
    words = [f"{name}={strength(value)}" for name, value in (penalties | noise).items() if value]
    if any(penalties.values()) and config.regularizer.layers != "all":
        words.append(f"layers={config.regularizer.layers}")
    if config.early_stopping.patience is not None:
        words.append(f"patience={config.early_stopping.patience}")
    elif config.early_stopping.restore_best_weights:
        words.append("best_weights")
    return " ".join(words) or "none"


def run_folder(*, _root_: DictConfig) -> str:
    """A sweep's folder for a run's arm, `l1=1e-4,dropout=0.2`: how it is regularized, and what else was typed."""
    regularized = {f"regularizer.{name}" for name in ("layers", *regularizers.names())}
    said = regularized | {"regularizer", "early_stopping", "early_stopping.patience"}
    said |= {f"model.{key}" for key in NOISE} | set(_root_.hydra.job.config.override_dirname.exclude_keys)
    typed = [text for text in _root_.hydra.overrides.task if text.split("=")[0].lstrip("+~") not in said]
    unchecked = Config.model_construct(**{str(key): _root_[key] for key in Config.model_fields})
    try:
        return filename(",".join([*arm(unchecked).split(), *typed]))
    except (TypeError, ValueError):  # a strength that is no number: the check, which comes later, says so
        return filename(",".join(_root_.hydra.overrides.task))


def register() -> None:
    """Store the node `schema`, which conf/config.yaml builds on, and the resolvers that name folders."""
    ConfigStore.instance().store(name="schema", node={"regularizer": UNREGULARIZED})
    OmegaConf.register_new_resolver("ablate.filename", filename, replace=True)
    OmegaConf.register_new_resolver("ablate.run", run_folder, replace=True)
    OmegaConf.register_new_resolver("ablate.sweep", sweep_folder, replace=True)


register()  # on import, as Hydra has it: other launchers import the task in processes of their own
