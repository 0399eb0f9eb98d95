"""python scripts/reference.py: writes docs/config.md, the reference of all groups and keys.

All of it comes from the pydantic schemas in src/ablate and the YAML files in conf/. A test says so when the page
is not what this makes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from ablate import data, models
from ablate.analysis.studies import Study
from ablate.config import registration, schema
from ablate.options.schema import Schema
from ablate.utils.text import shown, strength

PAGE = Path(__file__).parents[1] / "docs" / "config.md"

INTRODUCTION = """\
# Every key

<!-- Written by scripts/reference.py: change the schema or the YAML file it comes from, not this page. -->

A config is put together of groups. `group=option` chooses an option, which is a YAML file; `group.key=value` sets a
key. `python -m ablate --help` lists both on the command line, and `--cfg job` after any command prints the config that
it would run. The tables say which values a key takes, and what it is where nothing else is typed; what is wrong is
refused in one line before anything is written.

Your own options join these with `--config-dir mine`: the file `mine/regularizer/gentle.yaml` is `regularizer=gentle`.
Where the option is new code, a regularizer, dataset or model, its module is beside that file, as in
`mine/regularizer/hoyer.py`. A dataset's or model's file may also name what can be imported,
`_target_: package.module.name`, with arguments beside it. [Add your own](adding.md) has an example of each.
"""

HEADER = "| key | takes | default | what it does |\n| --- | --- | --- | --- |\n"
STUDY = "arms, seeds and a baseline; with `-m`. `study.seeds=20` changes a key, `seed=0,1,2` replaces the seeds"
EXPERIMENT = "presets over all other groups. What is typed beside one still wins"


def page() -> str:
    """The whole page, as it should be."""
    defaults = composed([])
    fields = schema.Config.model_json_schema()["properties"]
    parts = [INTRODUCTION]
    for name in ("dataset", "model", "regularizer", "early_stopping", "optimizer"):
        parts.append(_group(name, fields[name]["description"], defaults[name]))
    parts.append(_chosen_group("study", STUDY, _table("study", Study, {}) + "\n"))
    parts.append(_chosen_group("experiment", EXPERIMENT, ""))
    sections: dict[str, type[Schema]] = {"trainer": schema.Trainer, "logging": schema.Logging, "stack": schema.Stacking}
    for name, section in sections.items():
        parts.append(
            f"## {name}\n\n{_sentence(fields[name]['description'])}\n\n{_table(name, section, defaults[name])}"
        )
    rest = [_row(key, fields[key], _shown(defaults[key])) for key in ("seed", "device", "rerun")]
    parts.append(f"## The rest\n\n{HEADER}{_lines(rest)}")
    return "\n".join(parts)


def composed(overrides: list[str]) -> dict[str, Any]:
    """The config of these overrides, resolved, without Hydra's own part."""
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        found: Any = OmegaConf.to_container(compose("config", overrides), resolve=True)
    return {key: value for key, value in found.items() if key != "hydra"}


def _group(name: str, description: str, default: Mapping[str, Any]) -> str:
    """A group of which every config has one option: its keys, then each option's file."""
    nodes = {option: composed([f"{name}={option}"])[name] for option in _options(name)}
    chosen = next(option for option, node in nodes.items() if node == default)
    nodes = {chosen: nodes.pop(chosen), **nodes}
    fields: dict[str, dict[str, Any]] = {}
    for option in nodes.values():
        own = _schema(name, option).model_json_schema()["properties"]
        fields |= {key: field for key, field in own.items() if key not in fields}  # the first one's words count
    having = {key: {o: node[key] for o, node in nodes.items() if key in node} for key in fields if key != "name"}
    rows = [_row(f"{name}.{key}", fields[key], _values(values, nodes)) for key, values in having.items()]
    options = ", ".join(f"`{option}`" for option in nodes).replace("`,", "` (the default),", 1)
    return f"## {name}\n\n{_sentence(description)} Options: {options}.\n\n{HEADER}{_lines(rows)}\n{_files(name)}"


def _chosen_group(name: str, description: str, table: str) -> str:
    return f"## {name}\n\nNone unless you choose one: {description}.\n\n{table}{_files(name)}"


def _schema(group: str, node: Mapping[str, Any]) -> type[Schema]:
    """The schema of a group's option."""
    if group == "dataset":
        return data.schema(dict(node))
    if group == "model":
        return models.schema(dict(node))
    if group == "optimizer":
        return schema.OPTIMIZERS[node["name"]]
    return schema.strengths() if group == "regularizer" else schema.EarlyStopping


def _options(group: str) -> list[str]:
    return sorted(path.stem for path in (registration.folder() / group).glob("*.yaml"))


def _files(group: str) -> str:
    """Each option's YAML file, word for word."""
    shown = []
    for option in _options(group):
        text = (registration.folder() / group / f"{option}.yaml").read_text(encoding="utf-8").strip()
        shown.append(f"`conf/{group}/{option}.yaml`:\n\n```yaml\n{text}\n```\n")
    return "\n".join(shown)


def _values(values: Mapping[str, Any], nodes: Mapping[str, Any]) -> str:
    """What a key is in each option that has it; the first option is the group's default."""
    options = defaultdict(list)
    for option, value in values.items():
        options[_shown(value)].append(option)
    if len(options) == 1 and len(values) == len(nodes):
        return next(iter(options))
    return "<br>".join(f"{', '.join(names)}: {value}" for value, names in options.items())


def _table(section: str, keys: type[Schema], defaults: Mapping[str, Any]) -> str:
    """The keys of a section of conf/config.yaml; or of a study, whose defaults stand in the schema."""
    rows = []
    for key, field in keys.model_json_schema()["properties"].items():
        has_one = key in defaults or "default" in field
        value = _shown(defaults.get(key, field.get("default"))) if has_one else "none: a file says it"
        rows.append(_row(f"{section}.{key}", field, value))
    return HEADER + _lines(rows)


def _lines(rows: Iterable[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _row(key: str, field: Mapping[str, Any], default: str) -> str:
    cells = [f"`{key}`", takes(field), default, field.get("description", "").replace("|", "\\|").rstrip(".")]
    return "| " + " | ".join(cells) + " |"


def _sentence(said: str) -> str:
    return f"{said[0].upper()}{said[1:]}."


def _shown(value: Any) -> str:
    """A value as one would type it."""
    return f"`{strength(value) if isinstance(value, float) else shown(value)}`" if value != "" else "empty"


def takes(field: Mapping[str, Any]) -> str:
    """The values that a key takes, from its JSON schema."""
    if "anyOf" in field:
        return " or ".join(takes(option) for option in field["anyOf"])
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        least, most = field.get("minItems", 0), field.get("maxItems")
        return f"a list of {f'{least} to {most}' if most else f'at least {least}'}, each {takes(field['items'])}"
    if field.get("type") == "object":
        return "names, each with a text"
    kinds = {"integer": "a whole number", "number": "a number", "boolean": "`true`, `false`", "null": "`null`"}
    return kinds.get(field.get("type", ""), "text") + _range(field)


def _range(field: Mapping[str, Any]) -> str:
    """Its least and greatest value, in words."""
    words = {"minimum": " from", "exclusiveMinimum": " above", "maximum": " to", "exclusiveMaximum": ", below"}
    powers = {2**31: "2³¹", 2**63: "2⁶³"}
    return "".join(f"{word} {powers.get(field[key], f'{field[key]:,}')}" for key, word in words.items() if key in field)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
