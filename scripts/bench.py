"""How fast `ablate` trains, against a loop written by hand, other libraries, and its matrix products alone.

Every ratio is taken in one sitting: the contestants of a section take turns round by round, each in a process
that stays, after one untimed epoch to warm up. Ratios are taken within each round; medians, least and most are
shown. Where `by hand` or `products` come in several forms, the ratio is to the fastest.

Writes outputs/bench/bench.json and, where matplotlib is installed, outputs/bench/bench.png.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ablate.config import checks, registration
from ablate.config.schema import Config
from ablate.execution.runs import run_all
from ablate.preprocessing.splits import split
from ablate.records.job import Job
from ablate.training.engine import train

OUT = Path("outputs/bench")
ARMS = ("none", "l1", "l2", "dropout")
CORES = torch.get_num_threads()
STACKED = 16  # runs in a stack of the bare engine and of the products
PAUSE = 0.3  # seconds between contestants: idle threads of the last one go on spinning for a while

Measure = Callable[[int], float]  # epochs → seconds a run


# What is measured, in a contestant's process


def by_hand(epochs: int, configs: Sequence[Config], threads: int, loader: bool = False) -> float:
    """Seconds a run of a loop as people write it; loss and accuracy of train and val after every epoch."""
    torch.set_num_threads(threads)
    parts = [split(c.dataset, c.split_seed) for c in configs]
    start = time.perf_counter()
    for c, data in zip(configs, parts, strict=True):
        torch.manual_seed(c.seed)
        layers: list[nn.Module] = [nn.Flatten()]
        for fan_in, fan_out in pairwise(widths(c)[:-1]):
            layers += [nn.Linear(fan_in, fan_out), nn.ReLU(), nn.Dropout(c.model.dropout)]
        model = nn.Sequential(*layers, nn.Linear(c.model.hidden[-1], data.outputs))
        assert isinstance(data.train.x, Tensor)
        loaded = DataLoader(TensorDataset(data.train.x, data.train.y), c.trainer.batch_size, shuffle=True)
        optimizer, criterion = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
        weights = [layer.weight for layer in model if isinstance(layer, nn.Linear)]
        for _ in range(epochs):
            model.train()
            shuffled = torch.randperm(len(data.train)).split(c.trainer.batch_size)
            for x, y in loaded if loader else ((data.train.x[i], data.train.y[i]) for i in shuffled):
                loss = criterion(model(x), y)
                if c.regularizer.l1:
                    loss = loss + c.regularizer.l1 * sum(w.abs().sum() for w in weights)
                if c.regularizer.l2:
                    loss = loss + c.regularizer.l2 * sum(w.square().sum() for w in weights)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for part in (data.train, data.val):
                    out = model(part.x)
                    criterion(out, part.y).item()
                    (out.argmax(1) == part.y).float().mean().item()
    return (time.perf_counter() - start) / len(configs)


def recorded(epochs: int, configs: Sequence[Config]) -> float:
    """Seconds a run of the package with everything recorded, as a sweep does it: default stacks and workers."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [Job(c, Path(folder, str(i))) for i, c in enumerate(lasting(configs, epochs))]
        start = time.perf_counter()
        results = [result for _, result in run_all(jobs)]
        seconds = time.perf_counter() - start
    if errors := [result["error"] for result in results if result["status"] != "finished"]:
        raise RuntimeError(f"{len(errors)} of {len(jobs)} runs failed: {errors[0]}")
    return seconds / len(jobs)


def engine(epochs: int, configs: Sequence[Config], threads: int, more: int = 0) -> float:
    """Seconds a run of the engine in one process, nothing recorded.

    more: epochs that are planned and not reached, so that the test part isn't judged: nor is it by hand.
    """
    torch.set_num_threads(threads)
    planned = lasting(configs, epochs + more)
    split(planned[0].dataset, planned[0].split_seed)
    start = time.perf_counter()
    for _ in islice(train(planned), epochs):
        pass
    return (time.perf_counter() - start) / len(configs)


def products(epochs: int, c: Config, runs: int, threads: int) -> float:
    """Seconds a run of the products it can't do without: forward, backward, evaluation of train and val."""
    torch.set_num_threads(threads)
    data = split(c.dataset, c.split_seed)
    steps = _products(runs, threads, tuple(widths(c)), c.trainer.batch_size, len(data.train), len(data.val))
    start = time.perf_counter()
    for _ in range(epochs):
        for count, each in steps:
            for _ in range(count):
                for product in each:
                    product()
    return (time.perf_counter() - start) / runs


@cache
def _products(runs: int, threads: int, widths: tuple[int, ...], batch: int, *parts: int) -> list[tuple[int, list[Any]]]:
    """The products of an epoch: how often, and which. The first layer's input needs no gradient."""
    layers, fastest, (whole, rest) = list(pairwise(widths)), cache(partial(_fastest, runs)), divmod(parts[0], batch)

    def forward(n: int) -> list[Any]:
        return [fastest(o, i, n) for i, o in layers]

    def backward(n: int) -> list[Any]:
        return [fastest(o, n, i) for i, o in layers] + [fastest(i, o, n) for i, o in layers[1:]]

    training = [(count, forward(n) + backward(n)) for count, n in ((whole, batch), (1, rest)) if count and n]
    return training + [(1, forward(n)) for n in parts]


def _fastest(runs: int, m: int, k: int, n: int) -> Callable[[], Tensor]:
    """[runs, m, k] @ [runs, k, n] in the fastest of torch's forms: any layout; bmm, for one run also oneDNN."""

    def seconds(product: Callable[[], Tensor]) -> float:
        clocks = [(time.perf_counter(), product()) for _ in range(6)] + [(time.perf_counter(), None)]
        return median(end[0] - start[0] for start, end in pairwise(clocks[1:]))

    def layouts(rows: int, columns: int) -> tuple[Tensor, Tensor]:
        return torch.randn(runs, rows, columns), torch.randn(runs, columns, rows).transpose(1, 2)

    pairs, out = [(a, b) for a in layouts(m, k) for b in layouts(k, n)], torch.empty(runs, m, n)
    ways: list[Callable[[], Tensor]] = [partial(torch.bmm, a, b, out=out) for a, b in pairs]
    onednn: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)
    if runs == 1 and onednn is not None:  # y = a·bᵀ; b·a gives the product's transpose
        sides = [(a[0], b[0].t()) for a, b in pairs]
        ways += [partial(onednn, x, y, None, "none", [], "") for a, b in sides for x, y in ((a, b), (b, a))]
    return min(ways, key=seconds)


def peak_memory(_: int) -> float:
    """MiB: the most that this process took, and the largest that it started (forked pages counted in both)."""
    unit = 1 if sys.platform == "darwin" else 1024
    return sum(resource.getrusage(w).ru_maxrss for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) * unit / 2**20


def whole_command(epochs: int, words: Sequence[str], runs: int, bytecode: str) -> float:
    """Seconds a run of the whole command, from start to exit, its tables and report included.

    words: of a sweep of so many runs. bytecode: a folder for .pyc files, which are there on a person's second
    start, even if this shell forbids them.
    """
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "ablate", "-m", *words, f"trainer.epochs={epochs}"]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"python -m ablate ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds / runs


# Configs


def configured(*overrides: str) -> Config:
    registration.register()
    with initialize_config_dir(str(registration.folder().resolve()), version_base="1.3"):
        return checks.check(compose("config", list(overrides)))


def lasting(configs: Sequence[Config], epochs: int) -> list[Config]:
    return [c.model_copy(update={"trainer": c.trainer.model_copy(update={"epochs": epochs})}) for c in configs]


def widths(c: Config) -> list[int]:
    """The network's widths, from input to output."""
    data = split(c.dataset, c.split_seed)
    return [math.prod(data.shape), *c.model.hidden, data.outputs]


# The sections


class Processes(dict[str, ProcessPoolExecutor]):
    """A fresh process for every name, started where it is first mentioned; in a quick bench all names share one."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick

    def __missing__(self, name: str) -> ProcessPoolExecutor:
        if self.quick and self:
            return next(iter(self.values()))
        self[name] = ProcessPoolExecutor(1, get_context("spawn"))
        self[name].submit(int)  # it imports torch while we go on
        return self[name]

    def measure(self, names: list[str], work: Callable[..., float], *arguments: Any) -> Measure:
        """Work done in the processes of these names at the same time, which share the runs."""
        pools = [self[name] for name in names]

        def measure(epochs: int) -> float:
            futures = [pool.submit(work, epochs, *arguments) for pool in pools]
            return max(future.result() for future in futures) / len(pools)

        return measure


@dataclass
class Section:
    """ratios: pairs of contestants; the beginning of a name stands for the fastest of that beginning."""

    title: str
    contestants: dict[str, Measure]
    ratios: list[tuple[str, str]]
    epochs: int | None = None  # None: as many as the config has
    per: int = 1  # seconds are divided by this


class Bench:
    """What all sections share."""

    def __init__(self, given: argparse.Namespace, stack: ExitStack) -> None:
        self.quick, self.rounds, self.mnist_root, self.peers = given.quick, given.rounds, given.mnist_root, given.peers
        self.stack, self.processes = stack, Processes(given.quick)
        self.threads = 1 if given.quick else CORES
        self.arms = [configured(f"regularizer={arm}") for arm in ARMS]
        self.epochs = 2 if self.quick else self.arms[0].trainer.epochs
        self.console = Console()
        self.bytecode: str | None = None

    def command(self, words: list[str], runs: int) -> Measure:
        """The whole command of a sweep; its modules are compiled once, as they are for people."""
        if self.bytecode is None:
            self.bytecode = self.stack.enter_context(tempfile.TemporaryDirectory())
        return partial(whole_command, words=words, runs=runs, bytecode=self.bytecode)

    def study(self, runs: int) -> list[Config]:
        """The first runs of: all arms, seed after seed."""
        return [self.arms[i % len(ARMS)].model_copy(update={"seed": i // len(ARMS)}) for i in range(runs)]

    def skip(self, what: str, why: str) -> None:
        self.console.print(f"{what} skipped: {why}", highlight=False)

    def mnist(self) -> Config | None:
        """784-512-512-10; a quick bench trains it on digits."""
        if not self.quick and not (self.mnist_root / "MNIST" / "raw").is_dir():
            self.skip("MNIST", f"no MNIST/raw in {self.mnist_root} (--mnist-root)")
            return None
        words = ["model.hidden=[512,512]", "regularizer=dropout", "trainer.batch_size=128", "dataset.scaling=unit"]
        return configured(
            *words, *(() if self.quick else ("dataset=mnist", f"dataset.root={self.mnist_root.resolve()}"))
        )

    def hand(self, runs: int, name: str = "by hand", loader: bool = False) -> dict[str, Measure]:
        measure = partial(self.processes.measure, ["torch 1"], by_hand, self.study(runs))
        return {f"{name}, threads: {n}": measure(n, loader) for n in sorted({1, self.threads})}

    def stacked(self, runs: int, process: str = "ablate") -> Measure:
        return self.processes.measure([process], recorded, self.study(runs))


def digits(bench: Bench) -> Section:
    """Runs of the default job; a sample of them by hand, one of each arm."""
    measure, several = bench.processes.measure, [f"torch {i + 1}" for i in range(CORES)]
    contestants = bench.hand(len(ARMS)) | bench.hand(len(ARMS), "by hand with a DataLoader", loader=True)
    contestants["a loop by hand on every core"] = measure(several, by_hand, bench.study(len(ARMS)), 1)
    sizes = (1, 4, 16) if bench.quick else (1, 4, 16, 64, 256)
    contestants |= {f"recorded, runs: {n}": bench.stacked(n) for n in sizes}
    contestants["engine alone, threads: 1"] = measure(["ablate"], engine, bench.study(STACKED), 1)
    for names in (several[:1], several):
        contestants[f"products, processes: {len(names)}"] = measure(names, products, bench.arms[0], STACKED, 1)
    stack = f"recorded, runs: {16 if bench.quick else 64}"
    above = ("by hand, ", "by hand with", "a loop by hand")
    ratios = [*((name, stack) for name in above), (stack, "products"), ("engine", "products, processes: 1")]
    return Section("digits, seconds a run", contestants, ratios)


def mnist(bench: Bench) -> Section | None:
    """An epoch: training, and evaluation of train and val. Ours is to take at most 0.75 of the loop by hand."""
    job = bench.mnist()
    if job is None:
        return None
    measure = bench.processes.measure
    contestants = {
        "by hand": measure(["mnist by hand"], by_hand, [job], bench.threads),
        "ours": measure(["mnist"], engine, [job], bench.threads, 1),
        "products": measure(["mnist by hand"], products, job, 1, bench.threads),
    }
    ratios = [("ours", "by hand"), ("by hand", "ours"), ("ours", "products")]
    return Section("MNIST, seconds an epoch", contestants, ratios, epochs=2, per=2)


def overhead(bench: Bench) -> Section:
    """What recording, and being made for stacks, cost a run that is alone."""
    engine_alone = bench.processes.measure(["ablate"], engine, bench.study(1), bench.threads)
    contestants = bench.hand(1) | {"recorded": bench.stacked(1), "engine alone": engine_alone}
    return Section("one run, seconds", contestants, [("recorded", "by hand"), ("recorded", "engine alone")])


def command(bench: Bench) -> Section:
    """python -m ablate -m …, from start to exit, against the loop by hand without its start."""
    each = [f"regularizer={','.join(ARMS)}"]
    commands = {
        f"command, runs: {len(ARMS) * n}": bench.command([*each, f"seed=range({n})"], len(ARMS) * n)
        for n in ((1,) if bench.quick else (16, 64))
    }
    return Section("command, seconds a run", bench.hand(len(ARMS)) | commands, [("by hand", name) for name in commands])


def logging(bench: Bench) -> Section:
    """What TensorBoard costs: the same sweep with all that is logged by default, and with nothing."""
    seeds = 1 if bench.quick else 16
    words = [f"regularizer={','.join(ARMS)}", f"seed=range({seeds})"]
    contestants = {
        name: bench.command([*words, f"logging.tensorboard={shown}"], len(ARMS) * seeds)
        for name, shown in (("all logging on", "true"), ("off", "false"))
    }
    return Section("command, seconds a run", contestants, [("all logging on", "off")])


def scaling(bench: Bench) -> Section:
    """Seconds a run, and memory, as sweeps grow; every size in a process of its own."""
    names = {f"{n} runs": n for n in ((4, 8) if bench.quick else (64, 256, 1024))}
    times = {name: bench.stacked(n, name) for name, n in names.items()}
    memory = {f"memory (MiB) of {name}": bench.processes.measure([name], peak_memory) for name in names}
    ratios = [(name, next(iter(group))) for group in (times, memory) for name in list(group)[1:]]
    return Section("scaling, seconds a run", times | memory, ratios)


def peers(bench: Bench) -> Section | None:
    """Other libraries on the same job without a regularizer, and on an epoch of MNIST; JAX vmap has all arms."""
    if bench.peers is None:
        bench.skip("peers", "no --peers PYTHON")
        return None
    folder, job = Path(bench.stack.enter_context(tempfile.TemporaryDirectory())), bench.mnist()
    write_data(folder / "digits", bench.arms)
    contestants = {"ablate": bench.stacked(16 if bench.quick else 64)} | bench.hand(1)
    contestants["study=regularizers, the command"] = bench.command(["study=regularizers"], 50)
    if job is not None:
        write_data(folder / "mnist", [job])
        epoch = bench.processes.measure(["mnist"], engine, [job], bench.threads, 1)
        contestants["ablate, MNIST"] = lambda _: epoch(1)
    words = [bench.peers, str(Path(__file__).with_name("bench_peers.py"))]
    listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    started = {name: Peer([*words, name, str(folder)], bench.stack) for name in listed}
    for name, peer in started.items():
        answer = peer.answer()
        if "skipped" in answer:
            bench.skip(name, answer["skipped"])
        else:
            contestants[f"{name} ({answer['version']})"] = peer
    ours = ("ablate", "ablate, MNIST", "study=regularizers, the command")
    ratios = [(name, ours["MNIST" in name]) for name in contestants if name not in ours]
    ratios += [(name, ours[2]) for name in contestants if name.startswith("Keras") and "MNIST" not in name]
    return Section("peers, seconds a run (MNIST: an epoch)", contestants, ratios)


class Peer:
    """A library of another environment, in a process that waits for numbers of epochs: see bench_peers.py."""

    def __init__(self, words: list[str], stack: ExitStack) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
        stack.callback(self.process.communicate)  # it ends where its input ends

    def answer(self) -> dict[str, Any]:
        line = next((line for line in self.process.stdout or () if line.startswith("{")), None)
        return json.loads(line) if line else {"skipped": f"it ended with {self.process.wait()}"}

    def __call__(self, epochs: int) -> float:
        print(epochs, file=self.process.stdin, flush=True)
        return float(self.answer()["seconds"])


def write_data(folder: Path, configs: Sequence[Config]) -> None:
    """What a peer needs of a job, as .npy files and job.json."""
    folder.mkdir()
    for name in ("train", "val"):
        part = getattr(split(configs[0].dataset, configs[0].split_seed), name)
        np.save(folder / f"x_{name}.npy", part.x.flatten(1).numpy())
        np.save(folder / f"y_{name}.npy", part.y.numpy())
    arms = [{"l1": c.regularizer.l1, "l2": c.regularizer.l2, "dropout": c.model.dropout} for c in configs]
    job = {"widths": widths(configs[0]), "batch": configs[0].trainer.batch_size, "arms": arms}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


SECTIONS: dict[str, Callable[[Bench], Section | None]] = {
    section.__name__: section for section in (digits, mnist, overhead, command, logging, scaling, peers)
}


# The contest, and what is shown of it

Rounds = dict[str, list[float]]


def contest(bench: Bench, section: Section) -> tuple[Rounds, Rounds]:
    """Seconds by contestant and ratios by title, one a round."""
    if not bench.quick:
        for measure in section.contestants.values():
            measure(1)  # to warm up, not timed
    times: Rounds = {name: [] for name in section.contestants}
    epochs = section.epochs or bench.epochs
    for _ in range(bench.rounds):
        for name, measure in section.contestants.items():
            time.sleep(0 if bench.quick else PAUSE)
            times[name].append(measure(epochs) / section.per)
    pairs = [(fastest(times, above), fastest(times, below)) for above, below in section.ratios]
    return times, {f"{a} / {b}": [x / y for x, y in zip(times[a], times[b], strict=True)] for a, b in pairs}


def fastest(times: Rounds, name: str) -> str:
    """The contestant of that name, or the fastest of those whose names begin so."""
    return name if name in times else min((n for n in times if n.startswith(name)), key=lambda n: median(times[n]))


def header(rounds: int) -> dict[str, Any]:
    """Where and when this was measured, and what other work there was."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.is_file() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return {
        "machine": f"{platform.system()} {platform.machine()} {model}",
        "cores": os.cpu_count(),
        "threads": CORES,
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ablate": version("ablate-harness"),
        "date": f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %z}",
        "rounds": rounds,
    }


def table(title: str, times: Rounds, ratios: Rounds) -> Table:
    shown = Table(title=title, title_justify="left")
    for name in ("", "median", "least", "most"):
        shown.add_column(name, justify="right" if name else "left")
    for rows in (times, ratios):
        for name, values in rows.items():
            shown.add_row(name, *(f"{summary(values):.4g}" for summary in (median, min, max)))
        shown.add_section()
    return shown


def plot(times: Rounds, path: Path) -> None:
    """Seconds a run against the number of runs, between the loop by hand and the products alone."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    runs = {int(name.split()[-1]): median(values) for name, values in times.items() if name.startswith("recorded")}
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.loglog(list(runs), list(runs.values()), "o-", label="ablate, everything recorded")
    for prefix, style in (("by hand, ", "--"), ("products", ":")):
        name = fastest(times, prefix)
        axes.axhline(median(times[name]), linestyle=style, color="black", label=name)
    axes.set_xticks(list(runs), [str(n) for n in runs])
    axes.set(xlabel="runs trained together", ylabel="seconds a run", title="digits, 64-64-64-10")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, help="turns of every contestant (3; with --quick 1)")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a smoke test: small, not warmed up, no figures to quote")
    parser.add_argument("--mnist-root", type=Path, default=Path("../shared/data"), help="%(default)s")
    parser.add_argument("--peers", metavar="PYTHON", help="the interpreter of an environment with other libraries")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(SECTIONS):
        parser.error(f"--only: {', '.join(sorted(unknown))}: must be among {', '.join(SECTIONS)}")
    given.rounds = given.rounds or (1 if given.quick else 3)
    return given


def main() -> None:
    given = arguments()
    report: dict[str, Any] = {"header": header(given.rounds) | {"quick": given.quick}, "sections": {}}
    OUT.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        bench = Bench(given, stack)
        bench.console.print(", ".join(f"{k} {v}" for k, v in report["header"].items()), highlight=False)
        for name in given.only:
            section = SECTIONS[name](bench)
            if section is None:
                continue
            times, ratios = contest(bench, section)
            bench.console.print(table(section.title, times, ratios))
            medians = {title: median(values) for title, values in (times | ratios).items()}
            report["sections"][name] = {"title": section.title, "medians": medians, "times": times, "ratios": ratios}
            (OUT / "bench.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
            if name == "digits":
                try:
                    plot(times, OUT / "bench.png")
                except ImportError:
                    bench.skip("bench.png", "matplotlib is not installed")


if __name__ == "__main__":
    main()
