"""What arms are called in tables: what regularizes them, and the keys that tell apart those of one name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ablate.config.identity import data_settings, decisive
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
    versions, data = _versions(results, labels), _data(results)
    return [" ".join([label, *words, *on]) for label, words, on in zip(labels, versions, data, strict=True)]


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


def datasets(results: Sequence[dict[str, Any]]) -> list[str]:
    """Of every result what its data are called, each by a name of its own: where several share one, what differs."""
    own: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    found, names = samples(results), [_data_name(result) for result in results]
    for result, data, name in zip(results, found, names, strict=True):
        own[name][data] = {key: value for key, value in decided(result).items() if key.startswith("dataset.")}
        if data != _data_settings(result):
            own[name][data]["samples"] = _fingerprint(result)[:4] or "earlier"
    told = []
    for data, name in zip(found, names, strict=True):
        keys = dict.fromkeys(key for each in own[name].values() for key in each)
        words = [
            f"{_short_key(key)}={shown(own[name][data][key])}"
            for key in keys
            if key in own[name][data] and len({shown(each.get(key)) for each in own[name].values()}) > 1
        ]
        told.append(f"{name} ({', '.join(words)})" if words else name)
    return told


def _data(results: Sequence[dict[str, Any]]) -> list[list[str]]:
    """Of every result what its data are called where settings don't tell them apart: `new.csv`, or `a.csv@3f2a`."""
    names: dict[str, dict[str, str]] = defaultdict(dict)
    found = samples(results)
    for result, data in zip(results, found, strict=True):
        names[_data_settings(result)][data] = _data_name(result)
    words = []
    for result, data in zip(results, found, strict=True):
        others = names[_data_settings(result)]
        alone = list(others.values()).count(others[data]) == 1
        name = others[data] if alone else f"{others[data]}@{_fingerprint(result)[:4] or 'earlier'}"
        words.append([name] * (len(others) > 1))
    return words


def _data_settings(result: dict[str, Any]) -> str:
    return data_settings(result["config"]) if result["config"] else ""


def _data_name(result: dict[str, Any]) -> str:
    name: str = (result.get("data") or {}).get("name") or result["config"].get("dataset", {}).get("name", "")
    return name


def _fingerprint(result: dict[str, Any]) -> str:
    found: str = (result.get("origin") or {}).get("data", "")
    return found


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
