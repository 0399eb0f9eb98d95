"""A run that is killed and goes on ends with the same bits as one that never was."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor

from ablate.execution.runs import run_all
from ablate.execution.stack_run import train_stack
from ablate.options.discovery import using
from ablate.records import checkpoints
from ablate.records.job import Job
from ablate.records.names import CHECKPOINT
from ablate.training.engine import Checkpoint
from helpers import ROOT, slow_ones, trained

ZOO = ROOT / "tests" / "training" / "own"
SETTINGS = {
    "adam": ["regularizer=dropout", "trainer.epochs=9"],
    "momentum": ["optimizer=sgd", "optimizer.momentum=0.9", "regularizer=l1", "trainer.epochs=9"],
    "rmsprop": ["optimizer=rmsprop", "optimizer.momentum=0.5", "regularizer=l2", "trainer.epochs=9"],
    "adam_keras": ["optimizer=adam_keras", "regularizer=l1", "trainer.epochs=9"],
    "rmsprop_keras": ["optimizer=rmsprop_keras", "optimizer.momentum=0.5", "regularizer=l2", "trainer.epochs=9"],
    "stopping": ["early_stopping=patience", "early_stopping.patience=6", "optimizer.lr=0.02", "trainer.epochs=40"],
    "proximal": ["regularizer=l1_proximal", "model.dropout=0.1", "trainer.epochs=9"],
    "images": ["model=lenet", "trainer.epochs=7", "dataset.val_fraction=0.1"],
}


def content(folder: Path) -> dict[str, object]:
    """What a run left, times aside."""
    result = json.loads((folder / "result.json").read_text())
    lines = (folder / "history.csv").read_text().splitlines()
    weights = load_file(folder / "model.safetensors")
    return {
        "result": {key: value for key, value in result.items() if key != "seconds"},
        "history": [line.rpartition(",")[0] for line in lines],  # the last column is the time
        "weights": {name: tensor.numpy().tobytes() for name, tensor in weights.items()},
    }


def kill(jobs: list[Job], epochs: int) -> None:
    """Runs of a stack that are killed in the epoch after so many."""
    stopped = train_stack(jobs)
    list(itertools.islice(stopped, epochs))
    stopped.close()


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


@pytest.mark.parametrize("setting", slow_ones(SETTINGS, ["images"]))
def test_a_run_that_goes_on_has_the_bits_of_one_that_never_stopped(configured, tmp_path, setting):
    config = configured(*SETTINGS[setting], "trainer.checkpoint_every=2", "seed=3")
    list(run_all([Job(config, tmp_path / "whole")]))
    job = Job(config, tmp_path / "killed")
    kill([job], 5)  # a checkpoint after epoch 4; epoch 5 is lost
    assert checkpoints.epoch(job) == 4
    ((_, result),) = run_all([job])
    assert result["status"] == "finished"
    whole, killed = content(tmp_path / "whole"), content(tmp_path / "killed")
    whole["result"], killed["result"] = dict(whole["result"]), dict(killed["result"])
    assert killed == whole
    assert curves(tmp_path / "killed") == curves(tmp_path / "whole")
    assert checkpoints.epoch(job) == 0 and not list((tmp_path / "killed").glob("checkpoint*"))


@pytest.mark.parametrize("kind", ["batch_norm", "rebound"])
def test_a_run_goes_on_with_its_buffers_and_those_of_its_best_weights(configured, tmp_path, kind):
    words = ("model=zoo", f"model.kind={kind}", "dataset=noise", "optimizer.lr=0.01", "trainer.checkpoint_every=5")
    stopping = ("early_stopping=patience", "early_stopping.patience=50", "trainer.epochs=6")
    with using([ZOO]):
        config = configured(f"hydra.searchpath=[file://{ZOO}]", *words, *stopping)
        ((_, result),) = run_all([Job(config, tmp_path / "whole")])
        assert result["best_epoch"] < 5  # the best weights are of before it was killed
        job = Job(config, tmp_path / "killed")
        kill([job], 5)
        assert checkpoints.epoch(job) == 5
        list(run_all([job]))
    assert content(tmp_path / "killed") == content(tmp_path / "whole")


def test_runs_of_a_stack_go_on_in_other_company(configured, tmp_path):
    overrides = ["trainer.epochs=6", "model.hidden=[16]", "trainer.checkpoint_every=3"]
    arms = ["regularizer=none", "regularizer=l1", "regularizer=dropout"]
    configs = [configured(*overrides, arm, f"seed={seed}") for arm in arms for seed in (0, 1)]
    list(run_all([Job(c, tmp_path / f"whole{i}") for i, c in enumerate(configs)]))
    jobs = [Job(c, tmp_path / f"killed{i}") for i, c in enumerate(configs)]
    kill(jobs[:4], 4)
    planned = []
    results = dict(run_all(jobs[::-1], on_plan=lambda plan: planned.append(str(plan))))  # with two new ones
    assert {result["status"] for result in results.values()} == {"finished"}
    assert "4 from a checkpoint" in planned[0]
    for i in range(len(configs)):
        assert content(tmp_path / f"killed{i}") == content(tmp_path / f"whole{i}")


def _rewritten(path: Path, change: Callable[[dict[str, str], dict[str, Tensor]], None]) -> None:
    """A checkpoint that somebody has changed, with a checksum that fits."""
    with safe_open(path, framework="pt") as file:
        said, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del said[checkpoints.CHECKSUM]
    change(said, tensors)
    path.write_bytes(save(tensors, said | {checkpoints.CHECKSUM: checkpoints._checksum(said, tensors)}))


def _state(**changed: object) -> Callable[[Path], None]:
    """A checkpoint whose state has other values; None: has no such key."""

    def change(said: dict[str, str], _: dict[str, Tensor]) -> None:
        state = json.loads(said["state"]) | changed
        said["state"] = json.dumps({key: value for key, value in state.items() if value is not None})

    return lambda path: _rewritten(path, change)


def _tensor(make: Callable[[Tensor], Tensor | None]) -> Callable[[Path], None]:
    """A checkpoint with other weights; None: without them."""

    def change(_: dict[str, str], tensors: dict[str, Tensor]) -> None:
        made = make(tensors.pop("now/weights"))
        tensors |= {} if made is None else {"now/weights": made}

    return lambda path: _rewritten(path, change)


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-50] ^= 4  # of a weight
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "foreign": lambda path: path.write_bytes(b"\x10\0\0\0\0\0\0\0" + b"{}" + b" " * 14),
    "history": lambda path: path.with_name("history.csv").write_text("epoch\n"),
    "a bit": _flipped,
    "another key": _state(nonsense=1),
    "no key": _state(steps=None),
    "another type": _state(epoch="2"),
    "another version": _state(version=2),
    "an epoch too late": _state(epoch=4),
    "other stopping": _state(stopping={"wait": 1}),
    "no weights": _tensor(lambda weights: None),
    "fewer weights": _tensor(lambda weights: weights[:64].clone()),
    "one weight, which would be copied to all": _tensor(lambda weights: weights[:1].clone()),
    "rounded weights": _tensor(lambda weights: weights.half()),
    "no checksum": lambda path: path.write_bytes(save({"now/weights": torch.ones(1)}, {"run_id": "x"})),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_wrong_with_a_checkpoint_its_run_begins_anew_and_says_so(configured, tmp_path, damage, capsys):
    words = ("trainer.epochs=4", "model.hidden=[8]", "trainer.checkpoint_every=2", "logging.tensorboard=false")
    jobs = [Job(configured(*words, f"seed={seed}"), tmp_path / f"run{seed}") for seed in (0, 1)]
    kill(jobs, 3)
    DAMAGES[damage](jobs[0].folder / CHECKPOINT)
    results = dict(run_all(jobs))  # and the other goes on
    said = capsys.readouterr().err
    assert said.count("begins anew") == 1 and f"{jobs[0].folder / CHECKPOINT}: no use" in said.replace("\n", "")
    list(run_all([Job(job.config, tmp_path / f"whole{i}") for i, job in enumerate(jobs)]))
    assert [results[i]["status"] for i in (0, 1)] == ["finished", "finished"]
    for i in (0, 1):
        assert content(tmp_path / f"run{i}") == content(tmp_path / f"whole{i}")


def test_a_checkpoint_of_a_run_of_other_settings_is_nothing_to_speak_of(configured, tmp_path, capsys):
    words = ("trainer.epochs=4", "model.hidden=[8]", "trainer.checkpoint_every=2")
    kill([Job(configured(*words), tmp_path / "run")], 3)
    job = Job(configured(*words, "seed=7"), tmp_path / "run")
    list(run_all([job, Job(job.config, tmp_path / "whole")]))
    assert capsys.readouterr().err == ""
    assert content(tmp_path / "run") == content(tmp_path / "whole")


@pytest.mark.usefixtures("elsewhere")
def test_a_checkpoint_of_other_code_is_not_gone_on_from_and_that_is_said(configured, tmp_path, capsys):
    file = Path("mine/regularizer/mine.py")
    file.parent.mkdir(parents=True)
    words = ("regularizer.mine=0.01", "trainer.epochs=4", "model.hidden=[8]", "trainer.checkpoint_every=2")
    for factor, comment, epoch in ((1, "", 0), (1, "# the same\n", 2), (30, "", 0)):
        file.write_text(f"{comment}def penalty(weight):\n    return {factor} * weight.square().sum()\n")
        with using([Path("mine")]):
            job = Job(configured(*words), tmp_path / "run")
            assert checkpoints.epoch(job) == epoch
            said = capsys.readouterr().err
            if epoch == 0 and factor == 1:
                kill([job], 3)
            elif factor != 1:
                list(run_all([job]))
                list(run_all([Job(job.config, tmp_path / "whole")]))
    assert "no use, the run begins anew: mine/regularizer/mine.py has changed" in " ".join(said.split())
    assert content(tmp_path / "run") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("every", "epochs"), [("null", []), ("3", [3, 6]), ("0min", [1, 2, 3, 4, 5, 6]), ("90min", [])]
)
def test_checkpoints_are_due_by_epochs_or_by_the_clock(configured, every, epochs):
    (rows,) = trained([configured("trainer.epochs=7", "model.hidden=[4]", f"trainer.checkpoint_every={every}")])
    assert [row.epoch for row in rows if row.checkpoint is not None] == epochs


STATE = {"epoch": 3, "steps": 12, "seconds": 1.5, "stopping": {"best": 0.25, "wait": 1}, "best": {"loss/val": 0.25}}
TENSORS = {"now/weights": torch.arange(6.0).view(2, 3).t(), "now/buffers/n": torch.tensor(3), "kept": torch.ones(2)}


def stored(job: Job) -> None:
    """A checkpoint of a run with a history of 6 bytes and 4 bytes of events, in a folder of its own."""
    job.folder.mkdir()
    (job.folder / "events.out.tfevents.1.ablate").write_bytes(b"1234")
    with (job.folder / "history.csv").open("wb") as history:
        history.write(b"epoch\n")
        checkpoints.store(job, Checkpoint(**STATE, tensors=TENSORS), [history])
        assert (job.folder / "history.csv").read_bytes() == b"epoch\n"  # on disk, before the file is closed


def test_what_was_stored_is_loaded_and_files_are_cut_back_to_what_they_were(configured, tmp_path):
    job = Job(configured(), tmp_path / "run")
    stored(job)
    own = "events.out.tfevents.3"  # of a SummaryWriter that is not ours
    for name in ("history.csv", "events.out.tfevents.1.ablate", "events.out.tfevents.2.ablate", own, "ablate.log"):
        with (job.folder / name).open("ab") as file:
            file.write(b"later")
    assert checkpoints.epoch(job) == 3
    found = checkpoints.load(job)
    assert {name: getattr(found, name) for name in STATE} == STATE
    assert found.tensors.keys() == TENSORS.keys()
    assert all(torch.equal(found.tensors[name], tensor) for name, tensor in TENSORS.items())
    left = {path.name: path.read_bytes() for path in job.folder.iterdir() if path.name != CHECKPOINT}
    kept = {own: b"later", "ablate.log": b"later"}
    assert left == kept | {"history.csv": b"epoch\n", "events.out.tfevents.1.ablate": b"1234"}
    for _ in range(2):  # what is gone is gone
        checkpoints.discard(job)
        assert checkpoints.epoch(job) == 0 and checkpoints.load(job) is None


def test_why_a_checkpoint_is_of_no_use_is_said_of_a_run_of_the_same_settings(configured, tmp_path, capsys):
    job, other, reseeded = (Job(configured(*words), tmp_path / "run") for words in ((), (), ("seed=7",)))
    stored(job)
    vars(other)["origin"] = job.origin | {"device": "cuda"}

    def said(of: Job) -> str:
        assert checkpoints.epoch(of) == 0 and checkpoints.load(of) is None
        return " ".join(capsys.readouterr().err.split())

    anew = f"warning: {job.folder / CHECKPOINT}: no use, the run begins anew: "
    assert said(other) == f"{anew}trained on cpu before"
    assert said(reseeded) == ""
    (job.folder / "history.csv").write_bytes(b"epoc")
    assert said(job) == f"{anew}the files that belong to it are shorter than they were"
    (job.folder / "history.csv").unlink()
    assert said(job) == f"{anew}the files that belong to it are shorter than they were"
