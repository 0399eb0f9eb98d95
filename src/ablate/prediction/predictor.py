"""Runs that answer: read from their files, of which nothing runs but the model that one has oneself."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from omegaconf import OmegaConf
from safetensors import SafetensorError
from safetensors import torch as safetensors

from ablate import models
from ablate.config import in_use
from ablate.config.schema import Trainer, option
from ablate.options import code
from ablate.options.discovery import MODELS, own_folders
from ablate.options.schema import ModelConfig, typed
from ablate.options.target import TARGET, targets
from ablate.prediction.choice import Choice
from ablate.preprocessing import saving
from ablate.preprocessing.targets import Target
from ablate.records.names import COLUMNS, PREDICTION, WEIGHTS
from ablate.records.results import LARGEST, document
from ablate.training import batches, executors, metrics
from ablate.training.inference import Kept
from ablate.utils import files, memory
from ablate.utils.arrays import is_frame
from ablate.utils.errors import ConfigError
from ablate.utils.text import listed

PIECE = 64 * batches.EVALUATION_BATCH  # samples that are made numbers at a time: whole batches, as in training

Answers = np.ndarray  # float64 [n, k]: probabilities of the classes or the labels, or numbers in their unit


@dataclass(frozen=True)
class Run:
    """A run that answers. said: what one should know of it."""

    result: dict[str, Any]
    prepared: saving.Prepared
    kept: Kept
    said: Sequence[str] = ()

    def answers(self, x: Any) -> Answers:
        """x: samples as a dataset has them."""
        pieces = []
        for begin in range(0, len(x), PIECE):  # those of a folder of pictures are read when they are used
            rows = slice(begin, begin + PIECE)
            numbers = transformed(x.iloc[rows] if is_frame(x) else x[rows], self.prepared)
            pieces.append(self.kept.logits(torch.from_numpy(numbers)))
        return metrics.predicted(self.prepared.target, torch.cat(pieces, 1).numpy())


@dataclass(frozen=True)
class Predictor:
    """One run, or several of one arm whose answers are averaged. why: these were chosen."""

    runs: Sequence[Run]
    why: str

    @property
    def target(self) -> Target:
        return self.runs[0].prepared.target

    @property
    def said(self) -> list[str]:
        return list(dict.fromkeys(line for run in self.runs for line in run.said))

    def answers(self, x: Any) -> Answers:
        """x: samples as a dataset has them, an array or a data frame.

        Raises:
            ConfigError: they are not such samples.
        """
        if not len(x):
            raise ConfigError("there are no samples")
        found = [run.answers(x) for run in self.runs]
        return found[0] if len(found) == 1 else np.mean(found, axis=0)

    def labels(self, answers: Answers) -> np.ndarray:
        """The label of each sample, [n]; of several labels 0 or 1 each, [n, k]; of numbers these, [n] or [n, k]."""
        target = self.target
        if target.task == "regression":
            return answers[:, 0] if answers.shape[1] == 1 else answers
        if target.task == "multilabel":
            return (answers > 0.5).astype(np.int64)
        kinds = {type(label) for label in target.labels}
        return np.array(target.labels, dtype=None if len(kinds) == 1 else object)[answers.argmax(1)]


def transformed(x: Any, prepared: saving.Prepared) -> np.ndarray:
    """Samples as a model is given them, float32 [n, *shape].

    Raises:
        ConfigError: they are not such samples.
    """
    numbers = prepared.inputs.transform(x)
    if numbers.shape[1:] != prepared.shape:
        raise ConfigError(f"samples have the shape {list(numbers.shape[1:])}; must be {list(prepared.shape)}")
    if odd := len(numbers) - int(np.isfinite(numbers).reshape(len(numbers), -1).all(axis=1).sum()):
        raise ConfigError(f"{odd:,} of {len(numbers):,} samples are too large for 32 bits, NaN or infinite")
    return numbers


def load(chosen: Choice) -> Predictor:
    """Have runs answer that `choice.choose` found.

    Raises:
        ConfigError: a file that they need is missing or damaged; their model's code isn't there.
    """
    runs = [_run(result) for result in chosen.results]
    first = runs[0].prepared.target
    if any((run.prepared.target.task, run.prepared.target.labels) != (first.task, first.labels) for run in runs):
        raise ConfigError("ensemble: its runs predict different labels")
    return Predictor(runs, chosen.why)


def _run(result: dict[str, Any]) -> Run:
    folder, config = Path(result["folder"]), result["config"]
    prepared = _prepared(folder)
    chosen = _model(config["model"])
    trainer = typed(Trainer, config.get("trainer"), "trainer")
    sizes = batches.sizes(prepared.rows, trainer.batch_size)
    tried = executors.RUNS * max(sizes) * math.prod(prepared.shape)
    memory.demand(f"{files.short(folder)}: its samples", memory.FLOAT * tried)
    device, said = _device((result.get("origin") or {}).get("device", "cpu"))
    state = _weights(folder / WEIGHTS)
    try:
        kept = Kept(
            chosen,
            state,
            prepared.shape,
            prepared.target.outputs,
            result["seed"],
            prepared.rows,
            trainer.batch_size,
            device,
        )
    except ConfigError as error:
        raise ConfigError(f"{files.short(folder)}: {error}") from error
    return Run(result, prepared, kept, [*said, *_changed(chosen, result)])


def _prepared(folder: Path) -> saving.Prepared:
    with _whole(folder / PREDICTION) as path:
        content = document(path)
    columns = None
    if files.is_plain(folder / COLUMNS):
        from ablate.preprocessing.columns import Columns  # imports scikit-learn, which only tables need

        with _whole(folder / COLUMNS) as path:
            columns = Columns.loads(files.read(path, LARGEST))
    with _whole(folder / PREDICTION):
        return saving.loads(content, columns)


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Whatever is wrong with a file of a run names it."""
    try:
        yield path
    except FileNotFoundError:
        raise ConfigError(f"{files.short(path)}: is missing: train the run again, for it has not kept it") from None
    except (OSError, ValueError, ConfigError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"{files.short(path)}: is damaged: {said}") from None


def _weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        with files.opened(path) as file:
            memory.demand(f"{files.short(path)}: its weights", 2 * file.size)
            return safetensors.load(file.part(0, file.size))
    except (OSError, ValueError, SafetensorError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ConfigError(f"{files.short(path)}: its weights can't be read: {said}") from None


def _model(node: dict[str, Any]) -> ModelConfig:
    """The model's config. What a result names runs only where a folder of one's own names it too: results are text."""
    name = node.get("name")
    if not (named := set(targets(node))) and name not in models.names():
        said = f"is a model of one's own, or of another version; --config-dir DIR names the folder with model/{name}.py"
        raise ConfigError(f"model={name}: {said}")
    if unknown := sorted(named - set(_own_targets())):
        said = "is code: it is called where a folder of your own names it in model/*.yaml, given by --config-dir DIR"
        raise ConfigError(f"model.{TARGET}={listed(unknown)}: {said}")
    chosen: ModelConfig = option("model", node)
    return chosen


def _own_targets() -> Iterator[str]:
    for place in own_folders():
        for path in sorted((place / MODELS.name).glob("*.yaml")):
            try:
                node = OmegaConf.to_container(OmegaConf.load(io.StringIO(files.read(path, LARGEST).decode())))
            except (OSError, ValueError, yaml.YAMLError) as error:
                raise ConfigError(f"{files.short(path)}: can't be read: {error}") from None
            yield from targets(node)


def _device(kind: str) -> tuple[torch.device, list[str]]:
    """Where a run was trained, so that its bits are the same, or else the CPU."""
    there = torch.accelerator.current_accelerator(check_available=True)
    if there is not None and there.type == kind:
        return there, []
    said = [f"trained on {kind}, which isn't there: the last digits may be others"] if kind != "cpu" else []
    return torch.device("cpu"), said


def _changed(chosen: ModelConfig, result: dict[str, Any]) -> list[str]:
    """A line where the model's code is not what it was when the run was trained."""
    before = (result.get("origin") or {}).get("code")
    if before is None:
        return []
    now = in_use.of_option(chosen, MODELS)
    others = [code.told(name) for name, digest in now.items() if before.get(name) != digest]
    return [f"{listed(others)}: not the code that the run was trained by"] if others else []
