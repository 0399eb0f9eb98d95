"""What arms are called in tables: what regularizes them, and the keys that tell apart those of one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.config.identity import data_settings, decisive
from ablate.utils.text import shown


def named(results: Sequence[dict[str, Any]], study_arms: Mapping[str, str], data: Sequence[str]) -> list[str]:
    """An arm's name for every result: what regularizes it, where that says all; else the study's name for it.

    data: of every result, as `samples` tells them; where its settings don't, the name says which they are.
    """
    plain = _labels(results)
    labels = list(plain)
    for name in set(study_arms.values()):
        own = [i for i, result in enumerate(results) if study_arms.get(result["run_id"]) == name]
        within = _labels([results[i] for i in own])  # what tells apart the settings of this arm
        for i, label in zip(own, within, strict=True):
            if labels[i] != results[i]["arm"]:
                labels[i] = name + label.removeprefix(results[i]["arm"])
    # A name that is already that of other settings would make one arm of two.
    kept = labels if len(set(zip(labels, plain, strict=True))) == len(set(labels)) else plain
    return [" ".join([label, *words]) for label, words in zip(kept, _data(results, data), strict=True)]


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


def samples(results: Sequence[dict[str, Any]]) -> list[str]:
    """Of every result its data's settings, and beside them a fingerprint where samples of these settings differ.

    Data that are drawn by the seed of a split that follows the run's differ from seed to seed, and count as the same.
    """
    settings = [_data_settings(result) for result in results]
    seen: dict[str, set[tuple[int, str]]] = defaultdict(set)
    drawn = set()
    for result, of in zip(results, settings, strict=True):
        if fingerprint := _fingerprint(result):
            seen[of].add((result["seed"], fingerprint))
            drawn |= {of} if result["config"]["dataset"].get("split_seed", 0) is None else set()
    numbers = {of: (len({seed for seed, _ in each}), len({found for _, found in each})) for of, each in seen.items()}
    apart = {of for of, (seeds, found) in numbers.items() if found > 1 and not (of in drawn and found == seeds)}
    return [
        f"{of}, samples={_fingerprint(result)}" if of in apart else of
        for result, of in zip(results, settings, strict=True)
    ]


def datasets(results: Sequence[dict[str, Any]], data: Sequence[str]) -> list[str]:
    """Of every result what its data are called, each by a name of its own: where several share one, what differs.

    data: as `samples` tells them.
    """
    names = [_data_name(result) for result in results]
    own: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for result, of, name in zip(results, data, names, strict=True):
        if of not in own[name]:
            own[name][of] = {key: value for key, value in decided(result).items() if key.startswith("dataset.")}
            own[name][of] |= {"samples": _digest(result)} if of != _data_settings(result) else {}
    told: dict[tuple[str, str], str] = {}
    for name, each in own.items():
        keys = dict.fromkeys(key for settings in each.values() for key in settings)
        differing = [key for key in keys if len({shown(settings.get(key)) for settings in each.values()}) > 1]
        for of, settings in each.items():
            words = [f"{_short_key(key)}={shown(settings[key])}" for key in differing if key in settings]
            told[name, of] = f"{name} ({', '.join(words)})" if words else name
    return [told[key] for key in zip(names, data, strict=True)]


def _data(results: Sequence[dict[str, Any]], data: Sequence[str]) -> list[list[str]]:
    """Of every result what its data are called where settings don't tell them apart: `new.csv`, or `a.csv@3f2a`."""
    words = []
    settings = [_data_settings(result) for result in results]
    names: dict[str, dict[str, str]] = defaultdict(dict)
    for result, of, found in zip(results, settings, data, strict=True):
        names[of][found] = _data_name(result)
    for result, of, found in zip(results, settings, data, strict=True):
        name, others = names[of][found], list(names[of].values())
        told = name if others.count(name) == 1 else f"{name}@{_digest(result)}"
        words.append([told] * (len(others) > 1))
    return words


def _data_settings(result: dict[str, Any]) -> str:
    return data_settings(result["config"]) if result["config"] else ""


def _data_name(result: dict[str, Any]) -> str:
    name: str = (result.get("data") or {}).get("name") or result["config"].get("dataset", {}).get("name", "")
    return name


def _fingerprint(result: dict[str, Any]) -> str:
    found: str = (result.get("origin") or {}).get("data", "")
    return found


def _digest(result: dict[str, Any]) -> str:
    """Of its samples, as it is shown."""
    return _fingerprint(result)[:4] or "earlier"


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
