"""Studies: a baseline, other arms, seeds. Light: no torch.

An arm is what one would type for it on the command line, so that Hydra's own language says everything: commas
and `range(…)` multiply within an arm (a strength curve, a factorial), while the arms themselves are added up.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

from hydra.core.override_parser.types import Override, RangeSweep
from omegaconf import DictConfig, OmegaConf
from pydantic import BeforeValidator, Field

from ablate.analysis.metrics import known
from ablate.config.ignored import refuse_repeated
from ablate.config.registration import UNCHOSEN, groups
from ablate.options.schema import Line, Schema, Seed, typed
from ablate.utils.errors import ConfigError, one_of, refuse
from ablate.utils.text import cut

MOST = 100_000  # runs of a sweep: more are a slip of the pen, and would fill the memory

Parse = Callable[[list[str]], list[Override]]


class Study(Schema):
    """conf/study/*.yaml."""

    baseline: str = Field(description="the arm that the others are compared with")
    seeds: Annotated[int, Field(ge=1, le=MOST)] | Annotated[list[Seed], Field(min_length=1)] = Field(
        description="how many, from 0 up, or which; seed=… on the command line wins"
    )
    metric: Annotated[str | None, BeforeValidator(known)] = Field(
        default=None,
        description="the figure that the verdicts are about: any that the runs have of the test part, such as "
        "auc/test, or auc for short; null: the first of the task's, accuracy/test or rmse/test",
    )
    common: str = Field(default="", description="overrides of every arm, as one would type them")
    arms: dict[Line, str] = Field(min_length=1, description="a name, and what one would type for the arm")

    @property
    def seed_override(self) -> str:
        seeds = range(self.seeds) if isinstance(self.seeds, int) else self.seeds
        return "seed=" + ",".join(map(str, seeds))


def study(composed: DictConfig) -> Study | None:
    """The study that a sweep's config chooses, or None.

    Raises:
        ConfigError: one of its keys is wrong, or typed without a study.
    """
    node = composed.get("study")
    if node is None or set(node) <= set(UNCHOSEN):
        if node and (typed_alone := next((key for key in node if node[key] != UNCHOSEN[key]), None)):
            raise refuse(f"study.{typed_alone}", node[typed_alone], "is a key of a study: -m study=NAME chooses one")
        return None
    chosen: Study = typed(Study, OmegaConf.to_container(node, resolve=True), "study")
    if chosen.baseline not in chosen.arms:
        raise refuse("study.baseline", chosen.baseline, one_of(chosen.arms, chosen.baseline))
    return chosen


def arms(chosen: Study | None, arguments: Sequence[str], parse: Parse) -> Iterator[tuple[str | None, list[Override]]]:
    """The arms of a sweep, by name: the overrides of each, in which what was typed comes last and wins.

    An option that an arm chooses replaces that of `common`; one that was typed, all that an arm says of its group.

    A sweep without a study is one arm without a name.

    Raises:
        ConfigError: two studies at once; two options of a group. OverrideParseException: an arm's text can't be read.
    """
    overrides = parse(list(arguments))
    choosing = [o for o in overrides if o.key_or_group.split(".")[0] == "study"]
    if several := next((o for o in choosing if o.is_sweep_override()), None):
        raise ConfigError(f"{several.input_line}: one study at a time")
    rest = [o for o in overrides if o not in choosing]
    refuse_repeated(rest)
    if chosen is None:
        yield None, rest
        return
    seeds = [] if any(o.key_or_group == "seed" for o in rest) else parse([chosen.seed_override])
    common = parse(_words("common", chosen.common))
    refuse_repeated(common)
    for name, text in chosen.arms.items():
        own = parse(_words(f"arms.{name}", text))
        refuse_repeated(own)
        if of_hydra := next((o for o in (*common, *own) if re.match(r"hydra\b", o.package or o.key_or_group)), None):
            raise refuse(f"study.arms.{name}", of_hydra.input_line, "an arm sets keys of its runs; Hydra's are typed")
        own_options = _options(own)
        options = [*(o for o in common if o.key_or_group not in own_options), *own]
        # Values are applied after options: an arm's regularizer.l1=… would outlast regularizer=none.
        typed = _options(rest)
        yield name, [*(o for o in options if o.key_or_group.partition(".")[0] not in typed), *rest, *seeds]


def _options(overrides: Sequence[Override]) -> set[str]:
    """The groups of which an option is chosen."""
    return {o.key_or_group for o in overrides} & groups()


def countable(overrides: Sequence[Override], already: int) -> None:
    """Refuse a sweep over nothing, and one of far too many runs, before they are written out.

    already: runs of other arms.

    Raises:
        ConfigError: names the override.
    """
    runs = 1
    for override in overrides:
        if not override.is_discrete_sweep():
            continue
        swept: Any = override.value()
        said = cut(str(override.input_line))
        # Hydra's iterator over a range that is to be shuffled is a list.
        each = swept.range() if isinstance(swept, RangeSweep) else override.sweep_iterator()
        values = sum(1 for _ in islice(each, MOST + 1))
        runs *= values
        if values == 0:
            raise ConfigError(f"{said}: sweeps over nothing")
        if already + runs > MOST:
            raise ConfigError(f"{said}: makes a sweep of more than {MOST:,} runs")


def _words(key: str, text: str) -> list[str]:
    """What stands in an arm, as a shell would take it apart."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise refuse(f"study.{key}", text, f"can't be read: {error}") from None
