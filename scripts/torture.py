"""What happens when things go wrong? Odd command lines, damaged result folders, processes that are killed.

    python scripts/torture.py configs 2000     # command lines: each runs, or is refused in one line
    python scripts/torture.py files 60         # damaged results: none breaks the table, none is taken as good
    python scripts/torture.py kills 200        # a sweep killed at random moments and repeated until it is done
    python scripts/torture.py attacks 300      # attacks of all families (torture_<family>.py), drawn at random
    python scripts/torture.py links 20         # of one family: FAMILIES; --begin 20: the next ones

Prints what was tried, and every case in which something was lost; the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ValueType
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ablate.cli.main import main as ablate
from ablate.cli.messages import known_keys
from ablate.config import registration
from ablate.records.names import ASKED, RESULT
from ablate.utils.console import FAILED, FINISHED, REFUSED

sys.path.append(str(Path(__file__).parent))
from torture_attacks import Tried, said, stream
from torture_files import damage_files

FAMILIES = ("two", "links", "checkpoints", "signals", "stopped", "memory")
# Runs of a fraction of a second, which every odd word is added to.
TINY = ("trainer.epochs=1", "model.hidden=[2]", "trainer.batch_size=2000", "logging.tensorboard=false")


def words(text: str) -> list[str]:
    return text.split()


NUMBERS = words("0 1 -1 2 0.5 1e-3 -0.0 nan inf -inf 1e400 1_0 0x10 1000000000 1e9 9223372036854775808 1e30")
WORDS = words("'' \"\" null true False abc all none adam l1 val_loss é 数 \U0001f4a5 \udcff \0 \x1b[31m ~ a/b ../.. .")
WORDS += [
    "",
    "..",
    "-1d",
    "\N{ZERO WIDTH SPACE}",
    "a\nb",
    "a b",
    "\t",
    "x" * 300,
    "'a1²2'",
    "x" * 9000,
    "d/" * 250,
    "d/" * 3000,
]
NODES = words("[] {} [1] [1,null] [[1]] {a:1} {name:mlp} [1000000000] [a] [2,2] [nan] {'':1} {1:2}")
NODES += [
    f"{opened * depth}1{closed * depth}" for opened, closed in ("[]", ("{a:", "}")) for depth in (30, 100, 300, 900)
]
BROKEN = words("[1 1] {a:1 'a 'a\" ( choice( range(1 [1,,2] {a} \\ a\\ = a=b : $ ${ ${} } a,")
INTERPOLATIONS = words("""${seed} ${nope} ${oc.env:HOME} ${oc.env:ABLATE_NOT_SET} ${oc.env:ABLATE_NOT_SET,3} ${.} ${..}
    ${model} ${model.hidden} ${now:%Y} ${hydra:job.name} ${oc.decode:'[1'} ${nope:1} ${trainer.epochs} a${seed} ???
    ${ablate.filename:a/b} ${hydra:runtime.cwd}""")
SWEEPS = words("""1,2 0,1 range(2) range(0) range(1,3,0) range(0,1,0.5) range(1000000000) range(0,1e9,1e-3) choice(1,2)
    choice() interval(0,1) glob(*) glob(l*) glob(zzz) sort(2,1) shuffle(1,2) sort(range(2)) shuffle(range(1000000000))
    tag(a,1,2) l1,l2 none,l1 a,a none,nope [1],[2] 1,[2] ,1 extend_list(1) int(1.5) str(1) float(x) cast(1)""")
HYDRA = words("""hydra.run.dir hydra.sweep.dir hydra.sweep.subdir hydra.job.name hydra.job.chdir hydra.verbose
    hydra.mode hydra hydra.output_subdir hydra.searchpath hydra.job.num hydra.job.id hydra.job.env_set hydra/launcher
    hydra/sweeper hydra/job_logging hydra.callbacks hydra.launcher hydra.sweeper.max_batch_size hydra.sweeper.params
    hydra.job.config.override_dirname.kv_sep""")
FLAGS = words("""-m --multirun --nope - -- -x --cfg --config-name --config-name=nope --config-dir=nope
    --config-path=nope -cd --info=nope --resolve --experimental-rerun=x --package=nope = =1 seed + ~ ++ seed= +=
    a.b.c seed==1 seed:1 model@x=mlp model@model=lenet +model@other=mlp model@:=mlp @=1 seed.x=1 model.hidden.0=3
    model.hidden[0]=3 model..hidden=1 .seed=1 seed.=1""")
FLAGS += ["", " "]
BATCHES = [f"hydra.sweeper.max_batch_size={size}" for size in (-2, -1, 0, 1, 2, 10**20, "null", "x", 1.5)]
ENVIRONMENTS: list[dict[str, str]] = [
    {}, {}, {}, {"COLUMNS": "0", "FORCE_COLOR": "1"}, {"COLUMNS": "²", "LINES": "0"}, {"COLUMNS": "99999999999"},
    {"COLUMNS": "3", "FORCE_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1"}, {"LANG": "C", "HOME": "/nope"},
]  # fmt: skip
SENSIBLE = words("""seed=3 regularizer=l1 regularizer=dropout regularizer.l2=1e-3 model.dropout=0.2 model.hidden=[3,2]
    model.hidden=[8] model.activation=tanh model=lenet ~model.hidden dataset=noise dataset.size=20
    dataset.val_fraction=0.3 dataset.split_seed=null dataset.scaling=unit dataset.scaling=none early_stopping=patience
    early_stopping.patience=0 early_stopping.monitor=val_loss optimizer=sgd optimizer=adamw optimizer.lr=0.1
    optimizer.lr=1e30 trainer.epochs=2 trainer.batch_size=64 logging.tensorboard=true experiment=notes_l1 device=cpu
    stack.workers=2 stack.size=1 rerun=all hydra.run.dir=run hydra.sweep.dir=sweep hydra/launcher=basic
    hydra/sweeper=basic""")
STUDIES = words("""study=regularizers study=nope study=null study=[regularizers,combine] study.seeds=0 study.seeds=1
    study.seeds=1000000000 study.seeds=[] study.seeds=[1,1] study.seeds=[a] study.baseline=nope study.metric=loss
    study.common=nope=1 study.common='"' study.arms={} study.arms={none:''} study.arms={none:'seed=1'}
    study.arms={none:'study=combine'} study.arms={none:'-m'} study.arms={none:'seed=[1'} +study.arms.odd="'"
    +study.arms.odd='regularizer=nope' +study.arms.odd=3 study.arms.l1=null +study.arms.odd='hydra.run.dir=x'
    +study.arms.odd='model.hidden=[1]\\,[2]' ~study.arms.none""")


def _keys() -> list[str]:
    groups = {path.name for path in registration.folder().iterdir() if path.is_dir() and path.name != "hydra"}
    return sorted(groups | set(known_keys()))


def _values(key: str) -> st.SearchStrategy[str]:
    odd = [NUMBERS, WORDS, NODES, BROKEN, INTERPOLATIONS]
    values = st.one_of(*map(st.sampled_from, odd), st.text(st.characters(codec="utf-8"), max_size=6))
    # Much work is no mistake: what is big is far too big, so that nothing trains for minutes.
    if key in (
        "trainer.epochs",
        "dataset.size",
        "dataset.samples",
        "dataset.features",
        "model.hidden",
        "model.channels",
        "study.seeds",
    ):
        return values
    options = [path.stem for path in (registration.folder() / key).glob("*.yaml")]
    return values | st.integers().map(str) | st.floats().map(str) | st.sampled_from(options or ["1"])


@st.composite
def _override(draw: st.DrawFn) -> str:
    key = draw(st.sampled_from([*_keys(), *HYDRA]))
    sign = draw(st.sampled_from(["", "", "", "", "", "", "+", "++", "~"]))
    value = draw(_values(key))
    return draw(st.sampled_from([f"{sign}{key}={value}"] * 5 + [f"{sign}{key}", f"{sign}{key}x={value}"]))


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """What someone may type, sensible and not: one run or a sweep, tiny, with a few odd words."""
    words = st.one_of(_override(), _override(), _override(), st.sampled_from(FLAGS), st.sampled_from(STUDIES))
    given = [*TINY, *draw(st.lists(st.sampled_from(SENSIBLE), max_size=3)), *draw(st.lists(words, max_size=2))]
    if draw(st.booleans()):
        given += draw(st.sampled_from([[], [], [], *([size] for size in BATCHES)]))
        keys = st.sampled_from(["seed", "seed", "regularizer", "model.dropout", "stack.size", *_keys()])
        swept = draw(st.lists(st.tuples(keys, st.sampled_from(SWEEPS)), max_size=2))
        given += [f"{key}={values}" for key, values in swept]
        if draw(st.integers(0, 9)):  # else it is a sweep without -m
            given.insert(0, "-m")
        if draw(st.integers(0, 9)) == 0:
            given.append(draw(st.sampled_from(STUDIES)))
    return given


def fuzz_configs(n: int, say: Callable[[Tried], None] = lambda tried: None) -> list[Tried]:
    """Try n command lines, always the same ones, in this process; `say` hears of each."""
    tried: list[Tried] = []

    @settings(
        max_examples=n, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(command_lines(), st.sampled_from(ENVIRONMENTS))
    def each(arguments: list[str], environment: dict[str, str]) -> None:
        with patch.dict(os.environ, environment):
            tried.append(_command(arguments))
        say(tried[-1])

    each()
    return tried


def _command(arguments: list[str]) -> Tried:
    """Carry out a command in an empty folder, and look at what it said and left."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as top:
        work = Path(top, "a", "b")
        work.mkdir(parents=True)
        os.chdir(work)
        out, err = stream("strict"), stream("backslashreplace")  # as Python opens them
        status: Any = None
        raised = None
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
                warnings.simplefilter("always")
                GlobalHydra.instance().clear()
                status = ablate(list(arguments))
        except SystemExit as left:
            status = left.code or 0
        except BaseException:
            if isinstance(sys.exc_info()[1], KeyboardInterrupt):
                raise
            raised = traceback.format_exc()
        finally:
            os.chdir(here)
        told = re.sub(r"\x1b\[[0-9;]*m", "", said(err)) if "FORCE_COLOR" in os.environ else said(err)
        lost = raised or _lost(arguments, status, told, Path(top))
        return Tried(arguments, str(status), told or said(out)[:300], lost)


def _lost(arguments: list[str], status: Any, err: str, top: Path) -> str | None:
    """What is wrong with how a command ended, or None."""
    lines = [line for line in err.splitlines() if not line.startswith("warning: ")]
    results = [json.loads(path.read_text()) for path in top.rglob(RESULT)]
    if "Traceback" in err:
        return "a traceback on stderr"
    if status not in (FINISHED, FAILED, REFUSED):
        return f"exit status {status}"
    if status == REFUSED:
        if len(lines) != 1 or not lines[0].startswith("error: ") or not lines[0].isprintable():
            return f"{len(lines)} lines on stderr"
        left = [str(path) for path in top.rglob("*") if path.is_file()]
        return f"refused, and left {left}" if left else None
    if status == FAILED:
        odd = [f"{result['status']}: {result['error']}" for result in results if result["status"] == "failed"]
        refused = [run for path in top.rglob(ASKED) for run in json.loads(path.read_text())["runs"] if run["error"]]
        if odd or (not refused and all(result["status"] == "finished" for result in results)):
            return f"a run failed, and not for its figures: {odd}"
        return None
    if lines and not any("hydra.verbose" in argument for argument in arguments):  # which asks for them
        return "finished, with lines on stderr"
    asked = {"-m", "--multirun"} & set(arguments)
    wrong = [difference for result in results for difference in _differences(arguments, result["config"])]
    return f"another config than was typed: {wrong}" if wrong and not asked else None


def _differences(arguments: Sequence[str], used: dict[str, Any]) -> Iterator[str]:
    """Plain values that were typed for a run, and are not what it was trained with."""
    typed = {}
    for override in OverridesParser.create().parse_overrides([a for a in arguments if not a.startswith("-")]):
        if override.value_type == ValueType.ELEMENT and not override.is_delete():
            typed[override.key_or_group] = override.value()
    for key, value in typed.items():
        node: Any = used
        for part in key.split("."):
            node = node.get(part, {}) if isinstance(node, dict) else {}
        if isinstance(value, int | float) and isinstance(node, int | float) and float(node) != float(value):
            yield f"{key}={value} became {node}"


def say(case: Tried) -> None:
    """Print a case that lost something, as soon as it is known."""
    if case.lost:
        said = f"  ended: {case.ended}; said: {case.said[-400:]}\n  {case.lost[-1500:]}"
        print(f"LOST {case.given}\n{said}", flush=True)


def report(tried: Sequence[Tried]) -> int:
    """Print what was tried, and how it ended; the exit status."""
    lost = [case for case in tried if case.lost]
    ends = ", ".join(f"{n} {ended}" for ended, n in Counter(case.ended for case in tried).most_common())
    print(f"{len(tried)} tried: {ends}; {len(lost)} lost something")
    return int(bool(lost))


def attack(
    families: Sequence[str], n: int, say: Callable[[Tried], None] = lambda tried: None, begin: int = 0
) -> list[Tried]:
    """Attack n times, each time in an empty folder; always the same attacks, though not at the same moments.

    begin: the number of the first, where others have been tried before.
    """
    tried = []
    for i in range(begin, begin + n):
        chance = Random(i)  # noqa: S311
        family = chance.choice(families)
        with tempfile.TemporaryDirectory() as folder:
            tried.append(importlib.import_module(f"torture_{family}").attack(chance, Path(folder)))
        tried[-1].given.insert(0, f"{family} {i}")
        say(tried[-1])
    return tried


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    families = {family: partial(attack, [family]) for family in FAMILIES} | {"attacks": partial(attack, FAMILIES)}
    tortures: dict[str, Callable[..., list[Tried]]] = {"configs": fuzz_configs, "files": damage_files, **families}
    for name, torture in tortures.items():
        command = commands.add_parser(name)
        command.add_argument("n", type=int)
        if name in families:
            command.add_argument("--begin", type=int, default=0, help="the number of the first")
        command.set_defaults(torture=torture)
    command = commands.add_parser("kills")
    command.add_argument("n", type=int)
    command.set_defaults(torture=None)
    given = parser.parse_args()
    # A shell has what it starts in the background ignore Ctrl-C, and so would all that is started here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if given.torture is not None:
        return report(given.torture(given.n, say, **({"begin": given.begin} if "begin" in given else {})))
    from torture_kills import kills

    toll = kills(given.n)
    print(toll)
    return int(toll.lost_something)


if __name__ == "__main__":
    sys.exit(main())
