"""The schema of a run's config: which keys there are, of which type, and what values are allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model

from ablate import data, models, regularizers
from ablate.options.discovery import REGULARIZERS, own_folders, use
from ablate.options.schema import Probability, Schema, Seed, typed
from ablate.options.target import TARGET
from ablate.regularizers import Regularizer
from ablate.utils.errors import one_of, refuse

FIGURES, PARTS = ("loss", "accuracy", "rmse"), ("train", "val")  # what may be monitored
# A model's own dropout figures, not regularizer.dropout, are what is in force.
NOISE = ("dropout", "input_dropout")


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


def _from_keras(name: Any) -> Any:
    """`val_loss` is `loss/val`, `accuracy` is `accuracy/train`."""
    known = {f"{'val_' * (part == 'val')}{figure}": f"{figure}/{part}" for figure in FIGURES for part in PARTS}
    return known.get(name, name) if isinstance(name, str) else name


class EarlyStopping(Schema):
    """Keras' parameters; `patience` null never stops."""

    monitor: Annotated[
        Literal["loss/train", "loss/val", "accuracy/train", "accuracy/val", "rmse/train", "rmse/val"],
        BeforeValidator(_from_keras),
    ] = Field(
        description="the figure that is watched: a loss, of classes the accuracy, of numbers RMSE. It never contains "
        "the penalty. Keras' names (val_loss) are understood"
    )
    mode: Literal["min", "max"] = Field(description="max for an accuracy, min for all else; any other pair is refused")
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


class Loss(Schema):
    name: Literal["auto", "cross_entropy", "mse", "mae", "huber"] = Field(
        description="the data loss; choose it with loss=…; auto: cross-entropy of classes, squares of numbers"
    )


class OfClasses(Loss):
    class_weights: Literal["balanced"] | None = Field(
        description="balanced: each class weighs the same in the loss, however many samples it has; null: each sample"
    )


class OfNumbers(Loss):
    """Of targets that are scaled to a mean of 0 and an SD of 1."""


class Huber(OfNumbers):
    delta: float = Field(gt=0, description="the error from which on it is absolute, in SDs of the training targets")


LOSSES: dict[str, type[Loss]] = {
    "auto": OfClasses,
    "cross_entropy": OfClasses,
    "mse": OfNumbers,
    "mae": OfNumbers,
    "huber": Huber,
}


class Optimizer(Schema):
    name: str = Field(description="which update rule; choose it with optimizer=…")
    lr: float = Field(gt=0, description="learning rate")


class Adam(Optimizer):
    beta1: Probability = Field(description="decay of the mean of the gradients, a step; 0: no memory")
    beta2: Probability = Field(description="decay of the mean of their squares, a step")
    eps: float = Field(
        gt=0,
        description="keeps what divides a step above 0: added to the root; its place in Keras' rules is in their files",
    )


class AdamW(Adam):
    weight_decay: float = Field(
        ge=0, description="every step takes lr·weight_decay·w off every parameter, biases too; 0: none"
    )


class AdamKeras(Adam):
    """Keras' rule: its ε is added before the bias is corrected."""


class SGD(Optimizer):
    momentum: Probability = Field(description="share of the last step that goes on; 0: none")
    nesterov: bool = Field(description="look ahead along the momentum, which must be above 0")


class RMSprop(Optimizer):
    alpha: Probability = Field(description="decay of the mean of the squared gradients, a step; Keras' rho")
    eps: float = Field(gt=0, description="added to the root that divides a step")
    momentum: Probability = Field(description="share of the last step that goes on; 0: none")


class RMSpropKeras(RMSprop):
    """Keras' rule: its ε is inside the root."""


OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adam": Adam,
    "adam_keras": AdamKeras,
    "adamw": AdamW,
    "sgd": SGD,
    "rmsprop": RMSprop,
    "rmsprop_keras": RMSpropKeras,
}


class Strengths(Schema):
    modules = REGULARIZERS


def unregularized() -> dict[str, Any]:
    """A number for every regularizer, 0 where a config has no say: that makes arms combine, and share a stack."""
    return {**dict.fromkeys(regularizers.names(), 0.0), "layers": "all"}


def strengths() -> type[Strengths]:
    """The schema of `regularizer`, made when it is asked for: a bad module is refused as a bad config is.

    Raises:
        ConfigError: a module of a regularizer can't be used.
    """
    return _strengths(tuple(regularizers.get(name) for name in regularizers.names()))


@lru_cache(maxsize=16)
def _strengths(found: tuple[Regularizer, ...]) -> type[Strengths]:
    keys: dict[str, Any] = {one.name: (one.limits, Field(0.0, description=one.summary)) for one in found}
    kernels = "which kernels are penalised: all, or all but the output layer's. Biases never are"
    keys["layers"] = (Literal["all", "hidden"], Field("all", description=kernels))
    return create_model("Regularizer", __base__=Strengths, __module__=__name__, **keys)


class Config(Schema):
    """One run, resolved and checked. dataset and model are the `Config` of their module."""

    seed: Seed = Field(description="of initialisation, batch order and dropout, which draw from streams of their own")
    device: str = Field(
        description="auto: a GPU where there is one, else the CPU; cpu, cuda, cuda:1, mps: as PyTorch names them"
    )
    task: Literal["auto", "binary", "multiclass", "multilabel", "regression"] = Field(
        description="what is predicted: one of two classes, of more, several labels, numbers; auto: as the targets tell"
    )
    dataset: Any = Field(description="what is learnt from, how it is split and scaled")
    model: Any = Field(description="what is trained")
    regularizer: Any = Field(
        description="the strengths of all regularizers. Every config has every one of them, 0 where it has no say"
    )
    early_stopping: EarlyStopping = Field(description="when a run stops before its last epoch. The names are Keras'")
    loss: Any = Field(description="what is minimised, beside penalties")
    optimizer: Any = Field(description="how weights are updated: PyTorch's own rules, and Keras'")
    trainer: Trainer = Field(description="how long and in which steps is trained")
    logging: Logging = Field(description="what a run records beside its history and its result")
    stack: Stacking = Field(description="how the runs of a sweep train together. No figure of a run depends on it")
    rerun: Literal["failed", "all", "none"] = Field(
        description="which of the runs that a sweep finds in its folder are done again"
    )

    @classmethod
    def of(cls, keys: dict[str, Any]) -> Config:
        """The typed config of resolved keys.

        Raises:
            ConfigError: a key is missing, unknown, of the wrong type or out of range.
        """
        # First, because a model's dropout follows it: a bad value is named where it was given.
        keys = keys | {"regularizer": typed(strengths(), keys.get("regularizer"), "regularizer")}
        for group in _OF_OPTIONS:
            keys[group] = option(group, keys.get(group))
        config: Config = typed(cls, keys, "")
        return config

    def __reduce__(self) -> Any:
        """As it goes to another process, which doesn't know options of one's own yet, nor the types made of them."""
        return _restored, (own_folders(), self.model_dump(by_alias=True))

    @property
    def split_seed(self) -> int:
        """The seed of the split: its own, or the run's where `dataset.split_seed` is null."""
        chosen = self.dataset.split_seed
        return self.seed if chosen is None else chosen

    @property
    def noise(self) -> dict[str, float]:
        """A model's own dropout figures, which are in force, by key."""
        values = {key: getattr(self.model, key, 0.0) for key in NOISE}
        return {key: value for key, value in values.items() if isinstance(value, int | float)}

    @property
    def strengths(self) -> dict[str, float]:
        """The strength of every regularizer that training applies by itself, by name."""
        return {name: getattr(self.regularizer, name) for name in regularizers.acting()}


def option(group: str, node: Any) -> Any:
    """The typed config of what is chosen from one group of options, such as `model`.

    Raises:
        ConfigError: as `Config.of`.
    """
    return typed(_OF_OPTIONS[group](node), node, group)


def _restored(own: tuple[Path, ...], keys: dict[str, Any]) -> Config:
    use(own)
    return Config.of(keys)


def _named(group: str, node: Any, names: Collection[str], targets: bool) -> dict[str, Any]:
    """The keys of an option, which its `name`, or a `_target_`, tells."""
    if not isinstance(node, dict):
        raise refuse(group, node, "must be a group of keys")
    if targets and TARGET in node:
        node.setdefault("name", node[TARGET])
    elif not isinstance(name := node.get("name"), str) or name not in names:
        raise refuse(f"{group}.name", name, one_of(names, name))
    return node


# The schemas of groups whose options have keys of their own.
_OF_OPTIONS: dict[str, Callable[[Any], type[Schema]]] = {
    "dataset": lambda node: data.schema(_named("dataset", node, data.names(), targets=True)),
    "model": lambda node: models.schema(_named("model", node, models.names(), targets=True)),
    "loss": lambda node: LOSSES[_named("loss", node, LOSSES, targets=False)["name"]],
    "optimizer": lambda node: OPTIMIZERS[_named("optimizer", node, OPTIMIZERS, targets=False)["name"]],
}
