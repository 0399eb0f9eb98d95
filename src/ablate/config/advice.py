"""What a config is warned of: rules of thumb, a line each."""

from __future__ import annotations

from ablate.config.schema import Config


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
        if (value := config.noise.get(key, 0.0)) > most
    ] + [
        f"early_stopping.start_from_epoch={stopping.start_from_epoch} is not below trainer.epochs="
        f"{config.trainer.epochs}: nothing is watched, and no weights are restored"
    ] * unwatched
