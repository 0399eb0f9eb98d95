"""Which runs are the same, and which belong to the same arm. Works on configs as plain dicts. Light."""

from __future__ import annotations

import hashlib
import json
from typing import Any

# The version of what training means. A change that gives runs other figures gives it another number, so that
# results of before are not taken for those of now.
SEMANTICS = 2

# How and where a run is carried out, and what is kept of it.
INDECISIVE = ("device", "logging", "stack", "rerun", "dataset.root", "trainer.checkpoint_every")


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """The keys that can matter to a run's result, flat (`model.hidden`)."""
    return {key: value for key, value in _flat(config).items() if not key.startswith(INDECISIVE)}


def decisive(config: dict[str, Any]) -> dict[str, Any]:
    """The keys that decide a run's result, flat, without those that can't matter to it."""
    flat = settings(config)
    regularizer, stopping = config["regularizer"], config["early_stopping"]
    # A regularizer that has no say is as good as one that doesn't exist yet.
    flat = {key: value for key, value in flat.items() if not (key.startswith("regularizer.") and value == 0)}
    if "dropout" in config["model"]:
        flat.pop("regularizer.dropout", None)  # the model's own figure is in force
    if not any(value for key, value in regularizer.items() if key not in ("layers", "dropout")):
        flat.pop("regularizer.layers", None)
    if stopping["patience"] is None and not stopping["restore_best_weights"]:
        flat = {key: value for key, value in flat.items() if not key.startswith("early_stopping.")}
    return flat


def run_id(config: dict[str, Any], data: str, device: str) -> str:
    """A hash of all that decides a run's result.

    data: a fingerprint of the samples; device: its kind, cpu or cuda: another one rounds otherwise.
    """
    decides = [decisive(config), data, device, SEMANTICS]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:12]


def arm_id(config: dict[str, Any]) -> str:
    """A short hash of what the runs of an arm have in common: all that decides their results but the seed."""
    decides = {key: value for key, value in decisive(config).items() if key != "seed"}
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:4]


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= _flat(value, f"{prefix}.{key}".lstrip("."))
    return found
