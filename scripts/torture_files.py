"""Damaged files in a finished sweep, and such as were made to do harm: what becomes of its table."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from ablate.cli.compare import compare
from ablate.cli.main import main as ablate
from torture_attacks import Tried, said, stream

SWEEP = ("-m", "regularizer=none,l1", "seed=0,1", "trainer.epochs=2", "model.hidden=[2]", "trainer.batch_size=2000")
TITLE = "\x1b]0;PWNED\x07"  # would rename a terminal's window
# What may stand where another type belongs.
ODD: list[Any] = [True, "abc", "NaN", "", "\x1b[2J", [], [1], {}, {"a": 1}, -1, 1.5, 10**400, math.nan, math.inf]
ODD += [TITLE, "\ud800", "a\udcffb", "a\n| b |", {"\udcff": 1}, 1e300, 2**80]
NOWHERE = ["/dev/zero", "/dev/tty", "/proc/kmsg", "/proc/self/mem", "/proc/self/pagemap", "nothing"]
HANGS = 30  # seconds of a table


def _cut(path: Path, random: Random) -> str:
    content = path.read_bytes()
    path.write_bytes(content[: (at := random.randrange(len(content) - 2))])  # the last line may lack its end
    return f"cut to {at} of {len(content)} bytes"


def _replaced(path: Path, random: Random) -> str:
    kinds = {
        "empty": b"",
        "zeros": bytes(200),
        "not UTF-8": b'{"status": "\xff\xfe"}',
        "a list": b"[1, 2]",
        "a table": b"a,b\n1,2\n",
        "another's JSON": b'{"name": "x", "runs": 3}',
        "nested deeply": b"[" * 100_000,
        "a long number": b"1" * 10_000,
    }
    kind = random.choice(list(kinds))
    path.write_bytes(kinds[kind])
    return kind


def _grown(path: Path, random: Random) -> str:
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + random.choice([1, 10**9]))
    return "with zeros behind it"


def _folder(path: Path, random: Random) -> str:
    path.unlink()
    path.mkdir()
    return "a folder"


def _pipe(path: Path, random: Random) -> str:
    path.unlink()
    os.mkfifo(path)
    return "a pipe"


def _link(path: Path, random: Random) -> str:
    path.unlink()
    path.symlink_to(to := random.choice([*NOWHERE, path.name]))
    return f"a link to {to}"


def _edited(path: Path, place: str, value: Any) -> str:
    content = json.loads(path.read_text())
    *above, last = place.split(" ")
    node = content
    for key in above:
        node = node[int(key) if isinstance(node, list) else key]
    node[last] = value
    path.write_text(json.dumps(content))
    return f"{place} is {str(value)[:20]!r}"


def _lacking(path: Path, random: Random) -> str:
    content = json.loads(path.read_text())
    key = random.choice(["status", "run_id", "arm", "seed", "config", "metrics"])
    del content[key]
    path.write_text(json.dumps(content))
    return f"without {key}"


def _mistyped(path: Path, random: Random) -> str:
    content = json.loads(path.read_text())
    place = random.choice(["status", "run_id", "seed", "config", "metrics", "config.dataset", "metrics.accuracy/test"])
    node, _, key = place.partition(".")
    holder, key = (content[node], key) if key else (content, node)
    odd = [value for value in ODD if not isinstance(value, str)] if key == "run_id" else ODD
    holder[key] = random.choice(odd)
    path.write_text(json.dumps(content))
    return f"{place} is {str(holder[key])[:20]!r}"


def _undecided(path: Path, random: Random) -> str:
    """Something odd in the config, of which nobody can tell how the run was trained."""
    texts = [TITLE, "\ud800", "a\udcff", "a\nb"]
    odd = [
        (f"config {random.choice(['dataset', 'model', 'regularizer', 'optimizer'])} {random.choice(texts)}", 1),
        (f"config {random.choice(['model', 'trainer', 'optimizer'])} odd", random.choice(texts)),
        ("config regularizer l1", random.choice([10**400, 1e300, math.nan])),
        ("config optimizer lr", random.choice([-(10**400), -1e300, math.inf])),
        ("config dataset", {"name": "digits", "val_fraction": 0.4, "test_fraction": 0.6, "split_seed": None}),
        ("origin code", random.choice([TITLE, 1, {"a": 1}])),
    ]
    return _edited(path, *random.choice(odd))


def _asked_for_oddly(path: Path, random: Random) -> str:
    places = ["study", "baseline", "metric", "runs", "runs 0 arm", "runs 1 run_id", "runs 2 seed", "looks", "commands"]
    return _edited(path, random.choice(places), random.choice([TITLE, "a\nb", "\ud800", 10**400, 1.5, {"\udcff": 1}]))


def _misdescribed(path: Path, random: Random) -> str:
    odd = [{"a": {}}, -1, "\ud800", TITLE, 10**400, 1e300, [1], "a\nb"]
    places = ["versions torch", "machine cores", "machine cpu", "seconds", "weights near_zeros", "weights l2_norm"]
    places += [
        "data rows",
        "data trivial",
        "data classes",
        "model parameters",
        "best_epoch",
        "stopped_epoch",
        "error",
        "versions",
        "machine",
    ]
    names = ["arm", "status", "seed", "l1", "gap", "folder", "data", "overlap", "near_zeros", "run_id", TITLE, "\ud800"]
    if random.random() < 0.4:
        return _edited(path, f"metrics {random.choice(names)}", random.choice([*odd, 0.5]))
    return _edited(path, random.choice(places), random.choice(odd))


def _wild_history(path: Path, random: Random) -> str:
    heading, first, last = path.read_text().splitlines()
    figures = first.split(",")
    for place in range(1, len(figures)):
        figures[place] = random.choice(["inf", "-inf", "nan", "1e300", "-1e308", "1e-320", "", "abc", "1e999", "0"])
    figures[0] = random.choice(["1", "1", "1", "-1", "inf", "1.5", "9" * 400])
    path.write_text("\n".join([heading, ",".join(figures), last, ""]))
    return "of wild figures"


def _wild_weights(path: Path, random: Random) -> str:
    wild = {
        "BF16": lambda w: w.bfloat16(),
        "F16": lambda w: w.half(),
        "F8": lambda w: w.to(torch.float8_e5m2),
        "whole": lambda w: w.int(),
        "near 1e308": lambda w: w.double().sign() * 1.7e308,
        "near 3e38": lambda w: w.sign() * 3.4e38,
        "nearly nothing": lambda w: w.double() * 5e-324,
        "no number": lambda w: w * math.nan,
        "of one value": lambda w: w * 0 + 3,
        "none": lambda w: w[:0],
    }
    kind = random.choice(list(wild))
    save_file({name: wild[kind](tensor).contiguous() for name, tensor in load_file(path).items()}, path)
    return kind


def _renamed(path: Path, random: Random) -> str:
    """A folder whose name is in no encoding, or would do something to a terminal."""
    name = random.choice(
        [b"\xff\xfe", b"\xed\xa0\x80", b"a\nb", TITLE.encode(), b"\xe9t\xe9", b"| a |", b"\x9b31m", b"<b>"]
    )
    path.parent.rename(os.fsdecode(os.fsencode(path.parent.parent) + b"/" + name))
    return f"in a folder {name!r}"


def _titled(path: Path, random: Random) -> str:
    return _edited(path, "command", ["-m", TITLE, "a\udcff\n"])


# What makes a file count for nothing, which one line says, and what takes nothing from the table.
DAMAGES: dict[str, list[Callable[[Path, Random], str]]] = {
    "result.json": [_cut, _replaced, _grown, _folder, _lacking, _mistyped, _mistyped, _undecided, _pipe, _link],
    "history.csv": [_cut, _replaced, _grown, _pipe, _link],
    "model.safetensors": [_cut, _replaced, _grown, _pipe, _link],
    "study.json": [_cut, _replaced, _grown, _pipe, _link, _asked_for_oddly],
}
HARMLESS: dict[str, list[Callable[[Path, Random], str]]] = {
    "result.json": [_misdescribed, _misdescribed, _renamed],
    "history.csv": [_wild_history],
    "model.safetensors": [_wild_weights],
    "study.json": [_titled],
}


def damage_files(n: int, say: Callable[[Tried], None] = lambda tried: None) -> list[Tried]:
    """Damage one file of a finished sweep, n times in other ways, always the same ones, and have its table made."""
    tried = []
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as top:
        try:
            os.chdir(top)
            with contextlib.redirect_stdout(stream("strict")):
                ablate([*SWEEP, "hydra.sweep.dir=sweep"])
            for i in range(n):
                shutil.copytree("sweep", f"{i}")
                tried.append(_damaged(Path(f"{i}"), Random(i)))  # noqa: S311
                say(tried[-1])
                shutil.rmtree(f"{i}")
        finally:
            os.chdir(here)
    return tried


def _damaged(sweep: Path, random: Random) -> Tried:
    whole = _verdicts(sweep)
    counts = random.random() < 0.4  # whether the run does so all the same
    damages = HARMLESS if counts else DAMAGES
    name = random.choice(list(damages))
    path = random.choice(sorted(sweep.rglob(name)))
    how = random.choice(damages[name])(path, random)
    out, err = stream("strict"), stream("backslashreplace")
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _alarm(HANGS):
            status = compare([sweep])
        lost = f"exit status {status}" if status else _lost(sweep, whole, counts, name, str(path), said(err))
    except Exception:
        lost = traceback.format_exc()
    if not lost and any(not (c.isprintable() or c == "\n") for c in said(out) + said(err)):
        lost = "something that can't be printed on the terminal"
    ended = "named, and done without" if name == "study.json" else "named, and left out"
    return Tried([name, how], "counts all the same" if counts else ended, said(err), lost)


def _lost(sweep: Path, whole: pd.DataFrame, counts: bool, name: str, path: str, err: str) -> str | None:
    """What is wrong with the table of a damaged sweep and what is said of it. counts: whether all its runs do."""
    table, lines = _verdicts(sweep), err.splitlines()
    if (counts or name == "study.json") != table.equals(whole):
        return f"another table:\n{table}"
    if not counts and (table["n"].sum() != (4 if name == "study.json" else 3) or len(lines) != 1 or path not in err):
        return f"{table['n'].sum()} runs in the table, {len(lines)} lines on stderr"
    if len(lines) > 1:
        return f"{len(lines)} lines on stderr"
    for file in (path for kind in ("*.csv", "*.md", "*.tex", "*.html") for path in sweep.glob(kind)):
        if any(not (c.isprintable() or c in "\n\xa0\u2011") for c in file.read_text("utf-8")):
            return f"something that can't be printed in {file.name}"
    return None


def _verdicts(sweep: Path) -> pd.DataFrame:
    table = pd.read_csv(sweep / "comparison.csv").sort_values("arm", ignore_index=True)
    return table[["arm", "n", "failed", "mean", "sd", "difference", "p_holm", "verdict", "loss/val", "baseline"]]


@contextlib.contextmanager
def _alarm(seconds: int) -> Iterator[None]:
    """Raises a TimeoutError where it takes longer."""

    def ring(*_: Any) -> None:
        raise TimeoutError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
