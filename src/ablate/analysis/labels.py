"""What arms are called in tables: what regularizes them, and the keys that tell apart those of one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.config.identity import decisive
from ablate.utils.text import shown


def named(results: Sequence[dict[str, Any]], study_arms: Mapping[str, str]) -> list[str]:
    """An arm's name for every result: what regularizes it, where that says all; else the study's name for it."""
    plain = _labels(results)
    labels = list(plain)
    for name in set(study_arms.values()):
        own = [i for i, result in enumerate(results) if study_arms.get(result["run_id"]) == name]
        within = _labels([results[i] for i in own])  # what tells apart the settings of this arm
        for i, label in zip(own, within, strict=True):
            if labels[i] != results[i]["arm"]:
                labels[i] = name + label.removeprefix(results[i]["arm"])
    # A name that is already that of other settings would make one arm of two.
    return labels if len(set(zip(labels, plain, strict=True))) == len(set(labels)) else plain


def _labels(results: Sequence[dict[str, Any]]) -> list[str]:
    """An arm's name for every result, the same for results whose configs differ only in their seed.

    Where configs that differ have the same name (a sweep over the learning rate, say), the keys in which
    they differ are added to it; where their code differed, its digests are.
    """
    configs = [decided(result) for result in results]
    keys = list(dict.fromkeys(key for config in configs for key in config if key != "seed"))
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for result, config in zip(results, configs, strict=True):
        for key in keys:
            values[result["arm"], key].add(shown(config[key]) if key in config else "")
    labels = []
    for result, config in zip(results, configs, strict=True):
        differing = [key for key in keys if key in config and len(values[result["arm"], key]) > 1]
        # Another option brings other keys with it: its name says enough.
        named = {key.partition(".")[0] for key in differing if key.endswith(".name")}
        told = [key for key in differing if key.endswith(".name") or key.partition(".")[0] not in named]
        words = (f"{_short_key(key)}={shown(config[key])}" for key in told)
        labels.append(" ".join([result["arm"], *words]))
    return [" ".join([label, *words]) for label, words in zip(labels, _versions(results, labels), strict=True)]


def _versions(results: Sequence[dict[str, Any]], labels: Sequence[str]) -> list[list[str]]:
    """Of every result the modules that said something else when others of its label were trained: `hoyer@3f2a`."""
    digests: dict[tuple[str, str], set[str]] = defaultdict(set)
    for result, label in zip(results, labels, strict=True):
        for module, digest in code(result).items():
            digests[label, module].add(digest)
    return [
        [f"{m.rpartition('.')[2]}@{digest[:4]}" for m, digest in code(result).items() if len(digests[label, m]) > 1]
        for result, label in zip(results, labels, strict=True)
    ]


def _short_key(key: str) -> str:
    """`lr` for `optimizer.lr`, but `optimizer` for `optimizer.name`."""
    group, _, last = key.rpartition(".")
    return group if last == "name" else last


def decided(result: dict[str, Any]) -> dict[str, Any]:
    """What decides a run's result, by key; nothing of a run that could not be composed."""
    return decisive(result["config"]) if result["config"] else {}


def code(result: dict[str, Any]) -> dict[str, str]:
    """The digests of the code that a run was trained by, by module; nothing where the result doesn't tell."""
    digests: dict[str, str] = (result.get("origin") or {}).get("code", {})
    return digests
