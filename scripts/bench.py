"""python scripts/bench.py: how fast `ablate` trains, against a loop written by hand, other libraries and the floor.

Every ratio is taken in one sitting: the contestants of a section take turns round by round, each in a process of
its own that stays, after an untimed warm-up of one epoch. A ratio is taken within each round; the tables show
medians, least and most. Other work on the machine shows in their distance.

Writes outputs/bench/bench.json and, where matplotlib is installed, outputs/bench/bench.png.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from importlib.metadata import version
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from ablate import config
from ablate.engine import train
from ablate.recorder import Job
from ablate.runs import run_all
from ablate.splits import Part, split

OUT = Path("outputs/bench")
PEERS = Path(__file__).with_name("bench_peers.py")
ARMS = ("none", "l1", "l2", "dropout")
MNIST = ("model.hidden=[512,512]", "regularizer=dropout", "trainer.batch_size=128", "dataset.scaling=unit")
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = sorted({1, CORES})
STACKED = 16  # runs in a stack of the floor and of the bare engine
PAUSE = 0.3  # seconds between contestants: the last one's idle threads go on spinning for a while
MIB = 2**20

Measure = Callable[[int], float]  # epochs → seconds a run (or an epoch)
Times = Mapping[str, list[float]]  # by contestant, one a round

# ---- What is measured. These functions run in a contestant's process.


@cache
def configured(*overrides: str) -> config.Config:
    config.register()
    with initialize_config_dir(str(config.folder().resolve()), version_base="1.3"):
        return config.check(compose("config", list(overrides)))


def study(runs: int, epochs: int) -> list[config.Config]:
    """The first runs of: four arms on digits, seed after seed."""
    arms = [configured(f"regularizer={arm}", f"trainer.epochs={epochs}") for arm in ARMS]
    return [arms[i % len(arms)].model_copy(update={"seed": i // len(arms)}) for i in range(runs)]


def by_hand(epochs: int, runs: Sequence[tuple[str, ...]], threads: int, loader: bool = False) -> float:
    """Seconds a run of the loop below; runs: the overrides of each."""
    torch.set_num_threads(threads)
    configs = [configured(*overrides) for overrides in runs]
    start = time.perf_counter()
    for one in configs:
        train_by_hand(one, epochs, loader)
    return (time.perf_counter() - start) / len(runs)


def train_by_hand(one: config.Config, epochs: int, loader: bool) -> None:
    """One run as people write it; loss and accuracy of both parts after every epoch, in eval mode."""
    torch.manual_seed(one.seed)
    data, strength = split(one), one.regularizer
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in pairwise(widths(one)[:-1]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU(), nn.Dropout(one.model.dropout)]
    model = nn.Sequential(*layers, nn.Linear(*widths(one)[-2:]))
    linear = [layer for layer in model if isinstance(layer, nn.Linear)]
    optimizer, criterion, size = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss(), one.trainer.batch_size
    loaded = DataLoader(TensorDataset(data.train.x, data.train.y), batch_size=size, shuffle=True)
    for _ in range(epochs):
        model.train()
        for x, y in loaded if loader else batches(data.train, size):
            loss = criterion(model(x), y)
            if strength.l1:
                loss = loss + strength.l1 * sum(layer.weight.abs().sum() for layer in linear)
            if strength.l2:
                loss = loss + strength.l2 * sum(layer.weight.square().sum() for layer in linear)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for part in (data.train, data.val):
                out = model(part.x)
                criterion(out, part.y).item()
                (out.argmax(1) == part.y).float().mean().item()


def batches(part: Part, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(part))
    for i in range(0, len(part), size):
        yield part.x[order[i : i + size]], part.y[order[i : i + size]]


def widths(one: config.Config) -> list[int]:
    """The network's widths, from input to output."""
    data = split(one)
    return [data.train.x[0].numel(), *one.model.hidden, data.outputs]


def recorded(epochs: int, runs: int) -> float:
    """Seconds a run of the package with everything recorded, as a sweep does it: default stacks and workers."""
    configs = study(runs, epochs)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        results = [result for _, result in run_all([Job(c, Path(folder, str(i))) for i, c in enumerate(configs)])]
        seconds = time.perf_counter() - start
    if errors := [result["error"] for result in results if result["status"] != "finished"]:
        raise RuntimeError(f"{len(errors)} of {runs} runs failed: {errors[0]}")
    return seconds / runs


def engine(epochs: int, runs: int, threads: int) -> float:
    """Seconds a run of the engine, in one process and one stack, nothing recorded."""
    torch.set_num_threads(threads)
    configs = study(runs, epochs)
    start = time.perf_counter()
    for _ in train(configs):
        pass
    return (time.perf_counter() - start) / runs


def engine_epochs(epochs: int, overrides: tuple[str, ...]) -> float:
    """Seconds of so many epochs of one run; one more is planned, so that the test part isn't judged: nor is it by hand."""
    one = configured(*overrides, f"trainer.epochs={epochs + 1}")
    split(one)
    start = time.perf_counter()
    for _ in islice(train([one]), epochs):
        pass
    return time.perf_counter() - start


def floor(epochs: int, overrides: tuple[str, ...], runs: int, threads: int) -> float:
    """Seconds a run of its matrix products alone: forward, two backward (one in the first layer), evaluation."""
    torch.set_num_threads(threads)
    steps = products(overrides, runs, threads)
    start = time.perf_counter()
    for _ in range(epochs):
        for count, passes in steps:
            for _ in range(count):
                for product in passes:
                    product()
    return (time.perf_counter() - start) / runs


@cache
def products(overrides: tuple[str, ...], runs: int, threads: int) -> list[tuple[int, list[Callable[[], Tensor]]]]:
    """The products of an epoch of a stack: (how often, which)."""
    one = configured(*overrides)
    data, layers = split(one), list(pairwise(widths(one)))
    whole, rest = divmod(len(data.train), one.trainer.batch_size)
    fastest = cache(partial(_fastest, runs))
    forward = lambda n: [fastest(o, i, n) for i, o in layers]  # noqa: E731
    backward = lambda n: [fastest(o, n, i) for i, o in layers] + [fastest(i, o, n) for i, o in layers[1:]]  # noqa: E731
    training = [(count, n) for count, n in ((whole, one.trainer.batch_size), (1, rest)) if count and n]
    evaluation = [(1, forward(len(part))) for part in (data.train, data.val)]
    return [(count, forward(n) + backward(n)) for count, n in training] + evaluation


def _fastest(runs: int, m: int, k: int, n: int) -> Callable[[], Tensor]:
    """[runs, m, k] @ [runs, k, n] in the fastest of torch's forms: any layout; bmm, for one run also oneDNN."""
    stored = lambda r, c: (torch.randn(runs, r, c), torch.randn(runs, c, r).transpose(1, 2))  # noqa: E731
    pairs, out = [(a, b) for a in stored(m, k) for b in stored(k, n)], torch.empty(runs, m, n)
    ways: list[Callable[[], Tensor]] = [partial(torch.bmm, a, b, out=out) for a, b in pairs]
    onednn: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None) if torch.backends.mkldnn.is_available() else None
    if runs == 1 and onednn is not None:  # y = a·bᵀ, so b·a gives the product's transpose
        ways += [partial(onednn, a[0], b[0].t(), None, "none", [], "") for a, b in pairs]
        ways += [partial(onednn, b[0].t(), a[0], None, "none", [], "") for a, b in pairs]
    return min(ways, key=_clock)


def _clock(work: Callable[[], Any]) -> float:
    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return median([once() for _ in range(6)][1:])


def peak_memory() -> tuple[float, float]:
    """MiB at the highest: of this process, of the largest that it started."""
    unit = 1 if sys.platform == "darwin" else 1024
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return tuple(resource.getrusage(who).ru_maxrss * unit / MIB for who in whose)  # type: ignore[return-value]


def write_data(folder: Path, runs: Sequence[tuple[str, ...]]) -> None:
    """What a peer needs of a job, as .npy files and job.json."""
    import numpy as np

    configs = [configured(*overrides) for overrides in runs]
    folder.mkdir()
    for name in ("train", "val"):
        part = getattr(split(configs[0]), name)
        np.save(folder / f"x_{name}.npy", part.x.flatten(1).numpy())
        np.save(folder / f"y_{name}.npy", part.y.numpy())
    arms = [{"l1": c.regularizer.l1, "l2": c.regularizer.l2, "dropout": c.model.dropout} for c in configs]
    job = {"widths": widths(configs[0]), "batch": configs[0].trainer.batch_size, "arms": arms}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")


# ---- Who measures: processes that stay, and commands.


class Processes(dict[str, ProcessPoolExecutor]):
    """A fresh process for every name, started when it is first mentioned."""

    def __missing__(self, name: str) -> ProcessPoolExecutor:
        self[name] = ProcessPoolExecutor(1, get_context("spawn"))
        self[name].submit(int)  # it imports torch while we go on
        return self[name]

    def measure(self, names: str | list[str], work: Callable[..., float], *arguments: Any) -> Measure:
        """Work done in the process of that name, or in several at a time, which then share the runs."""
        pools = [self[name] for name in ([names] if isinstance(names, str) else names)]

        def measure(epochs: int) -> float:
            futures = [pool.submit(work, epochs, *arguments) for pool in pools]
            return max(future.result() for future in futures) / len(pools)

        return measure


def command(epochs: int, seeds: int) -> float:
    """Seconds a run of the whole command, from start to exit."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f"regularizer={','.join(ARMS)}", f"seed=range({seeds})", f"trainer.epochs={epochs}"]
        words.append(f"hydra.sweep.dir={folder}/sweep")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "ablate", "-m", *words], cwd=folder, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"python -m ablate ended with {done.returncode}: {done.stderr[-2000:]}")
    return seconds / (len(ARMS) * seeds)


class Peer:
    """A library of another environment, in a process that waits for numbers of epochs: see bench_peers.py."""

    def __init__(self, python: str, name: str, folder: Path) -> None:
        words = [python, str(PEERS), name, str(folder)]
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = next((line for line in self.process.stdout if line.startswith("{")), None)
        return json.loads(line) if line else {"skipped": f"ended with {self.process.wait()}"}

    def __call__(self, epochs: int) -> float:
        assert self.process.stdin is not None
        print(epochs, file=self.process.stdin, flush=True)
        return float(self.answer()["seconds"])

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


# ---- The sections.


@dataclass(frozen=True)
class Settings:
    rounds: int
    quick: bool
    mnist_root: Path
    peers: str | None
    processes: Processes = field(default_factory=Processes)

    def contest(self, contestants: Mapping[str, Measure], epochs: int, unit: float = 1) -> dict[str, list[float]]:
        """Let the contestants take turns; seconds by contestant, one a round, in units of so many seconds."""
        for measure in contestants.values():
            measure(1)  # warm-up, not timed
        times: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(self.rounds):
            for name, measure in contestants.items():
                time.sleep(PAUSE)
                times[name].append(measure(epochs) / unit)
        return times

    @property
    def epochs(self) -> int:
        return 2 if self.quick else configured().trainer.epochs

    def hand(self, name: str, arms: Sequence[str] = ARMS, loader: bool = False) -> dict[str, Measure]:
        runs = [(f"regularizer={arm}",) for arm in arms]
        measure = partial(self.processes.measure, "torch 1", by_hand, runs)
        return {f"{name}, {n} thread{'s' * (n > 1)}": measure(n, loader) for n in THREADS}

    def stack(self, runs: int, process: str = "ablate") -> Measure:
        return self.processes.measure(process, recorded, runs)

    def mnist(self) -> tuple[tuple[str, ...] | None, str]:
        """The overrides of the MNIST job and a note; None where its files are absent. A quick one trains on digits."""
        if self.quick:
            return (*MNIST, "dataset=digits"), "quick: on digits, not MNIST"
        if not (self.mnist_root / "MNIST" / "raw").is_dir():
            return None, f"MNIST skipped: no MNIST/raw in {self.mnist_root} (--mnist-root)"
        return ("dataset=mnist", f"dataset.root={self.mnist_root.resolve()}", *MNIST), "784-512-512-10, dropout 0.2"


@dataclass
class Section:
    title: str
    unit: str
    times: Times = field(default_factory=dict)
    ratios: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def ratio(self, title: str, above: str, below: str) -> None:
        self.ratios[title] = [a / b for a, b in zip(self.times[above], self.times[below], strict=True)]

    def best(self, prefix: str) -> str:
        """The contestant with the least median among those whose name begins so."""
        return min((name for name in self.times if name.startswith(prefix)), key=lambda name: median(self.times[name]))


def digits(settings: Settings) -> Section:
    """Runs of the default job against loops by hand and the products alone."""
    sizes = (1, 4, 16) if settings.quick else (1, 4, 16, 64, 256)
    largest, processes = (16 if settings.quick else 64), settings.processes
    several = [f"torch {i + 1}" for i in range(CORES)]
    contestants = settings.hand("by hand") | settings.hand("by hand with a DataLoader", loader=True)
    runs = [(f"regularizer={arm}",) for arm in ARMS]
    contestants["a hand loop on each core at a time"] = processes.measure(several, by_hand, runs, 1)
    contestants |= {f"recorded, {n} runs": settings.stack(n) for n in sizes}
    contestants[f"engine alone, {STACKED} runs, 1 thread"] = processes.measure("ablate", engine, STACKED, 1)
    contestants["products alone, 1 process"] = processes.measure("torch 1", floor, (), STACKED, 1)
    contestants[f"products alone, {CORES} processes"] = processes.measure(several, floor, (), STACKED, 1)
    section = Section("digits: 64-64-64-10, batches of 32", "seconds a run")
    section.times = settings.contest(contestants, settings.epochs)
    stack, bound = f"recorded, {largest} runs", section.best("products alone")
    section.ratio(f"by hand / {largest} runs", section.best("by hand, "), stack)
    section.ratio(f"by hand with a DataLoader / {largest} runs", section.best("by hand with"), stack)
    section.ratio(f"a hand loop on each core / {largest} runs", "a hand loop on each core at a time", stack)
    section.ratio(f"{largest} runs / products alone", stack, bound)
    section.ratio("engine alone / products alone, 1 process", f"engine alone, {STACKED} runs, 1 thread", bound)
    section.notes += [f"by hand: {section.best('by hand, ')}; floor: {bound}"]
    return section


def mnist(settings: Settings) -> Section:
    """An epoch of one run: training, and evaluation of the train and val parts."""
    overrides, note = settings.mnist()
    section = Section("MNIST: one run, batches of 128", "seconds an epoch", notes=[note])
    if overrides is None:
        return section
    epochs, measure = (1 if settings.quick else 2), settings.processes.measure
    contestants = {
        "by hand": measure("mnist by hand", by_hand, [overrides], CORES),
        "engine alone": measure("mnist", engine_epochs, overrides),
        "products alone": measure("mnist by hand", floor, overrides, 1, CORES),
    }
    section.times = settings.contest(contestants, epochs, unit=epochs)
    section.ratio("ours / by hand (at most 0.75)", "engine alone", "by hand")
    section.ratio("by hand / ours", "by hand", "engine alone")
    section.ratio("ours / products alone", "engine alone", "products alone")
    return section


def overhead(settings: Settings) -> Section:
    """What recording and stacking cost a run that is alone."""
    contestants = settings.hand("by hand", arms=["none"]) | {
        "recorded": settings.stack(1),
        "engine alone": settings.processes.measure("ablate", engine, 1, CORES),
    }
    section = Section("overhead: one run on digits", "seconds a run")
    section.times = settings.contest(contestants, settings.epochs)
    section.ratio("recorded / by hand", "recorded", section.best("by hand"))
    section.ratio("recorded / engine alone", "recorded", "engine alone")
    return section


def whole_command(settings: Settings) -> Section:
    """python -m ablate -m …, from start to exit, against the loop by hand without its start."""
    seeds = (1,) if settings.quick else (16, 64)
    contestants = settings.hand("by hand") | {
        f"command, {n * len(ARMS)} runs": partial(command, seeds=n) for n in seeds
    }
    section = Section("command: python -m ablate -m …", "seconds a run")
    section.times = settings.contest(contestants, settings.epochs)
    for runs in (n * len(ARMS) for n in seeds):
        name = f"command, {runs} runs"
        section.ratio(f"by hand / command, {runs} runs", section.best("by hand"), name)
        section.notes.append(f"{runs} runs: {median(section.times[name]) * runs:.2f} s from start to exit")
    return section


def scaling(settings: Settings) -> Section:
    """Seconds a run and memory as sweeps grow; every size in a process of its own."""
    sizes = (4, 8) if settings.quick else (64, 256, 1024)
    section = Section("scaling: runs on digits, everything recorded", "seconds a run")
    contestants = {f"{n} runs": settings.stack(n, f"ablate, {n} runs") for n in sizes}
    section.times = settings.contest(contestants, settings.epochs)
    for n in sizes[1:]:
        section.ratio(f"{n} runs / {sizes[0]} runs", f"{n} runs", f"{sizes[0]} runs")
    peaks = [settings.processes[f"ablate, {n} runs"].submit(peak_memory).result() for n in sizes]
    for n, (parent, worker) in zip(sizes, peaks, strict=True):
        section.notes.append(
            f"{n} runs: at most {parent:.0f} MiB in the parent, {worker:.0f} MiB in its largest worker"
        )
        section.ratios[f"memory of {n} runs / {sizes[0]} runs"] = [(parent + worker) / sum(peaks[0])]
    return section


def peers(settings: Settings) -> Section:
    """Other libraries on the same network, data, batches and epochs, without any regularizer; JAX vmap has all arms."""
    section = Section("peers: the digits job, and an epoch of MNIST", "seconds a run (MNIST: an epoch)")
    if settings.peers is None:
        section.notes.append("skipped: no --peers PYTHON")
        return section
    process = settings.processes["ablate"]
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        process.submit(write_data, folder / "digits", [(f"regularizer={arm}",) for arm in ARMS]).result()
        overrides, note = settings.mnist()
        section.notes.append(note)
        if overrides is not None:
            process.submit(write_data, folder / "mnist", [overrides]).result()
        listed = subprocess.run([settings.peers, str(PEERS)], capture_output=True, text=True, check=True)
        known = {peer: Peer(settings.peers, peer, folder) for peer in listed.stdout.splitlines()}
        for peer in known.values():
            stack.callback(peer.close)
        runs = 16 if settings.quick else 64
        contestants: dict[str, Measure] = {f"ablate, {runs} runs": settings.stack(runs)}
        contestants |= settings.hand("by hand", arms=["none"])
        if overrides is not None:
            epochs = settings.processes.measure("mnist", engine_epochs, overrides)
            contestants["ablate, MNIST"] = lambda _: epochs(1)
        for title, peer in known.items():
            answer = peer.answer()
            if "skipped" in answer:
                section.notes.append(f"{title} skipped: {answer['skipped']}")
            else:
                section.notes.append(f"{title}: version {answer['version']}")
                contestants[title] = peer
        section.times = settings.contest(contestants, settings.epochs)
    for title in section.times:
        ours = "ablate, MNIST" if title.endswith("MNIST") else f"ablate, {runs} runs"
        if title != ours:
            section.ratio(f"{title} / {ours}", title, ours)
    return section


SECTIONS: dict[str, Callable[[Settings], Section]] = {
    "digits": digits,
    "mnist": mnist,
    "overhead": overhead,
    "command": whole_command,
    "scaling": scaling,
    "peers": peers,
}

# ---- What is shown.


def header(settings: Settings) -> dict[str, Any]:
    """Where and when this was measured."""
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text(encoding="utf-8").splitlines() if cpu.is_file() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "machine": f"{platform.system()} {platform.machine()} {model or platform.processor()}".strip(),
        "cores": CORES,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "ablate": version("ablate-harness"),
        "date": datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        "rounds": settings.rounds,
        "quick": settings.quick,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def show(section: Section, console: Console) -> None:
    table = Table(title=section.title, title_justify="left")
    for name in ("", "median", "least", "most"):
        table.add_column(name, justify="right" if name else "left")
    for heading, rows in ((section.unit, section.times), ("ratio", section.ratios)):
        table.add_section()
        if rows:
            table.add_row(f"[bold]{heading}")
        for name, values in rows.items():
            table.add_row(name, *(f"{f(values):.4g}" for f in (median, min, max)))
    if section.times:
        console.print(table)
    for note in section.notes:
        console.print(f"{section.title.partition(':')[0]}: {note}", highlight=False)


def plot(section: Section, path: Path) -> None:
    """Seconds a run against the number of runs, between the loop by hand and the products alone."""
    from matplotlib.figure import Figure

    runs = {int(name.split()[1]): median(values) for name, values in section.times.items() if name.startswith("rec")}
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.loglog(list(runs), list(runs.values()), "o-", label="ablate, everything recorded")
    for prefix, style in (("by hand, ", "--"), ("products alone", ":")):
        name = section.best(prefix)
        axes.axhline(median(section.times[name]), linestyle=style, color="black", label=name)
    axes.set(xlabel="runs trained together", ylabel=section.unit, title=section.title, xticks=list(runs))
    axes.set_xticklabels([str(n) for n in runs])
    axes.minorticks_off()
    axes.legend()
    figure.savefig(path, dpi=150)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, help="turns of every contestant (3; with --quick 1)")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="a small version that shows whether everything works")
    parser.add_argument("--mnist-root", type=Path, default=Path("../shared/data"), help="%(default)s")
    parser.add_argument("--peers", metavar="PYTHON", help="the interpreter of an environment with other libraries")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if unknown := set(given.only) - set(SECTIONS):
        parser.error(f"--only: {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    given.rounds = given.rounds or (1 if given.quick else 3)
    return given


def main() -> None:
    given, console = arguments(), Console()
    settings = Settings(given.rounds, given.quick, given.mnist_root, given.peers)
    report: dict[str, Any] = {"header": header(settings), "sections": {}}
    console.print(", ".join(f"{name} {value}" for name, value in report["header"].items()), highlight=False)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        section = SECTIONS[name](settings)
        show(section, console)
        medians = {"medians": {title: median(values) for title, values in (section.times | section.ratios).items()}}
        report["sections"][name] = asdict(section) | medians
        (OUT / "bench.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        if name == "digits":
            try:
                plot(section, OUT / "bench.png")
            except ImportError:
                console.print("bench.png skipped: matplotlib is not installed")


if __name__ == "__main__":
    main()
