"""Which runs are the same, and which belong to the same arm. Works on configs as plain dicts. Light."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from ablate.utils.text import listed, shown

# The version of what training means. A change that gives runs other figures gives it another number, so that
# results of before are not taken for those of now.
SEMANTICS = 2

# How and where a run is carried out, and what is kept of it: keys, and groups of keys.
INDECISIVE = ("device", "logging", "stack", "rerun", "dataset.root", "dataset.in_memory", "trainer.checkpoint_every")


def settings(config: dict[str, Any]) -> dict[str, Any]:
    """The keys that can matter to a run's result, flat (`model.hidden`)."""
    inside = tuple(f"{key}." for key in INDECISIVE)
    return {key: value for key, value in _flat(config).items() if key not in INDECISIVE and not key.startswith(inside)}


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


def data_settings(config: dict[str, Any]) -> str:
    """What two runs must have in common for their figures to be compared: their dataset's keys, as one types them."""
    return ", ".join(f"{key}={shown(value)}" for key, value in settings(config).items() if key.startswith("dataset."))


def origin(code: Mapping[str, str], data: str, device: str) -> dict[str, Any]:
    """What decides a run's result beside its config, as its result tells it.

    code: digests of the modules of its options, by module; data: a fingerprint of the samples; device: its kind, cpu or
    cuda: another one rounds otherwise.
    """
    return {"code": dict(sorted(code.items())), "data": data, "device": device, "training": SEMANTICS}


def run_id(config: dict[str, Any], origin: dict[str, Any]) -> str:
    """A hash of all that decides a run's result."""
    return _hash([decisive(config), origin])[:12]


def arm_id(config: dict[str, Any], code: Mapping[str, str]) -> str:
    """A short hash of what the runs of an arm have in common: all that decides their results but seed and samples."""
    return _hash([{key: value for key, value in decisive(config).items() if key != "seed"}, code])[:4]


def settings_id(config: dict[str, Any]) -> str:
    """A hash of what a run was asked for, whatever code, samples and device it met."""
    return _hash(decisive(config))


def changed(before: Mapping[str, Any] | None, now: Mapping[str, Any], told: Callable[[str], str]) -> str:
    """What is another in the origins of two runs of the same settings; before: None where a result doesn't tell.

    told: a module's name for people.
    """
    if before is None:
        return "the results are of an earlier version of ablate"
    old, new = before["code"], now["code"]
    said = []
    if others := [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]:
        said.append(f"{listed(map(told, others))} {'has' if len(others) == 1 else 'have'} changed")
    if before["data"] != now["data"]:
        said.append("the samples have changed")
    if before["device"] != now["device"]:
        said.append(f"trained on {before['device']} before")
    if before["training"] != now["training"]:
        said.append("this version of ablate trains otherwise")
    return ", and ".join(said)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _flat(node: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(node, dict):
        return {prefix: node}
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= _flat(value, f"{prefix}.{key}".lstrip("."))
    return found
