"""What a run leaves behind."""

from __future__ import annotations

import csv
import errno
import json
from fnmatch import fnmatch
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablate.execution.runs import run_all
from ablate.records.job import Job
from ablate.records.names import EARLIER, EVENTS, MARK
from ablate.records.ownership import RUN, claim
from ablate.records.results import read
from helpers import break_training, leave, parts

FIELDS = {
    "status", "run_id", "arm", "seed", "config", "metrics", "last", "epochs", "best_epoch", "stopped_epoch",
    "stopping_reason", "weights", "data", "model", "seconds", "error", "versions", "machine", "origin",
}  # fmt: skip


def recorded(config, folder) -> dict:
    ((_, result),) = run_all([Job(config, folder)])
    assert json.loads((folder / "result.json").read_text())["run_id"] == result["run_id"]
    return json.loads((folder / "result.json").read_text())


@pytest.fixture
def run(configured, tmp_path):
    config = configured("regularizer=l1", "trainer.epochs=4", "logging.histograms=2", "seed=3")
    return recorded(config, tmp_path), tmp_path, config


def test_result_json_holds_what_the_contract_names(run):
    result, _, config = run
    assert set(result) == FIELDS
    data = result["data"]
    assert data["rows"] == {"train": 1079, "val": 359, "test": 359} and data["features"] == 64
    assert (data["name"], data["task"], len(data["classes"])) == ("digits", "multiclass", 10)
    assert data["trivial"]["accuracy/test"] == 36 / 359
    assert result["model"]["name"] == "mlp" and result["model"]["parameters"] > 0
    assert (result["status"], result["arm"], result["seed"], result["epochs"]) == ("finished", "l1=3e-4", 3, 4)
    assert result["config"] == json.loads(config.model_dump_json())
    parts = {f"{figure}/{part}" for figure in ("loss", "accuracy") for part in ("train", "val", "test")}
    assert parts | {"penalty", "objective"} <= set(result["metrics"]) and "auc/test" in result["metrics"]
    assert set(result["weights"]) == {"l1_norm", "l2_norm", "zeros", "near_zeros"}
    assert result["stopped_epoch"] is None and result["error"] is None


def test_history_has_a_row_an_epoch_and_ends_with_the_results_figures(run):
    result, folder, _ = run
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for name in ("loss/train", "loss/val", "accuracy/val", "penalty", "objective"):
        assert float(rows[-1][name]) == result["last"][name]


def test_tensorboard_shows_the_same_figures(run):
    result, folder, _ = run
    events = EventAccumulator(str(folder), size_guidance={"histograms": 0})
    events.Reload()
    tags = set(events.Tags()["scalars"])
    assert {"loss/train", "loss/val", "accuracy/train", "accuracy/val", "penalty", "objective"} <= tags
    assert {"weights/zeros", "gradients/hidden1", "gradients/output"} <= tags
    losses = events.Scalars("loss/val")
    assert [event.step for event in losses] == [1, 2, 3, 4]
    assert losses[-1].value == pytest.approx(result["last"]["loss/val"])
    (test,) = events.Scalars("accuracy/test")
    assert test.value == pytest.approx(result["metrics"]["accuracy/test"])
    histograms = events.Histograms("weights/hidden1.weight")
    assert [event.step for event in histograms] == [2, 4]
    assert histograms[0].histogram_value.num == 64 * 64
    assert sum(histograms[0].histogram_value.bucket) == 64 * 64
    (config,) = events.Tensors("config/text_summary")
    assert b'"l1": 0.0003' in config.tensor_proto.string_val[0]


def test_the_saved_weights_are_a_state_dict_of_the_plain_model(run):
    from ablate import models

    result, folder, config = run
    found = parts(config)
    model = models.build(config.model, found.shape, found.outputs, 0).eval()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    with torch.no_grad():
        right = (model(found.test.x).argmax(1) == found.test.y).double().mean().item()
    assert right == result["metrics"]["accuracy/test"]


def test_a_run_without_tensorboard_writes_no_events(configured, tmp_path):
    recorded(configured("trainer.epochs=1", "logging.tensorboard=false"), tmp_path)
    files = [".ablate", "history.csv", "model.safetensors", "prediction.json", "result.json"]
    assert sorted(p.name for p in tmp_path.iterdir()) == files


def test_a_diverged_run_says_so_in_valid_json(configured, tmp_path):
    config = configured("optimizer=sgd", "optimizer.lr=1e6", "regularizer=l2", "trainer.epochs=9")
    result = recorded(config, tmp_path)
    assert result["status"] == "diverged" and "epoch" in result["error"]
    assert result["metrics"]["loss/train"] is None  # JSON has no NaN
    assert not (tmp_path / "model.safetensors").exists()


def test_result_json_is_not_there_before_the_run_ended(configured, tmp_path):
    claim(tmp_path, RUN)
    (tmp_path / "result.json").write_text("{}")  # a damaged one
    seen = []
    job = Job(configured("trainer.epochs=3"), tmp_path)
    list(run_all([job], on_rows=lambda rows: seen.append((tmp_path / "result.json").exists())))
    assert seen[:2] == [False, False]


def test_all_files_of_a_finished_run_outlive_a_rerun_that_fails(configured, tmp_path, monkeypatch):
    job = Job(configured("trainer.epochs=3", "model.hidden=[8]"), tmp_path / "run")
    list(run_all([job]))
    whole = (job.folder / "result.json").read_text()
    files = {path.name: path.read_bytes() for path in job.folder.iterdir() if path.name != MARK}
    assert len(files) == 5 and any(fnmatch(name, EVENTS) for name in files)
    break_training(monkeypatch, seed=0, epoch=2, error=RuntimeError("broken"))
    ((_, result),) = run_all([job])
    assert result["status"] == "failed" and (job.folder / EARLIER / "result.json").read_text() == whole
    assert {path.name: path.read_bytes() for path in (job.folder / EARLIER).iterdir()} == files
    assert [result["status"] for result in read([tmp_path])[0]] == ["finished"]  # of this run, the one that counts
    monkeypatch.undo()
    list(run_all([job]))
    assert not (job.folder / EARLIER).exists()


def test_a_finished_result_is_there_whatever_fails_before_and_after_another(configured, tmp_path, monkeypatch):
    """A full disk, a network file system that has forgotten a file."""
    job = Job(configured("trainer.epochs=2", "model.hidden=[8]", "logging.tensorboard=false"), tmp_path / "run")
    list(run_all([job]))
    whole = {path.name: path.read_bytes() for path in job.folder.iterdir() if path.name != MARK}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "hardlink_to", full)
        patched.setattr("ablate.records.recorder.write", full)
        ((_, result),) = run_all([job])
    assert result["status"] == "failed" and "No space left" in result["error"]
    assert {name: (job.folder / name).read_bytes() for name in whole} == whole
    with monkeypatch.context() as patched:
        patched.setattr("ablate.records.checkpoints.discard", full)
        ((_, result),) = run_all([job])
    assert result["status"] == json.loads((job.folder / "result.json").read_text())["status"] == "finished"


def test_a_result_that_was_left_half_set_aside_is_nobodys(tmp_path):
    leave(tmp_path / "run", "none", 0)
    leave(tmp_path / "run" / ".earlier.0.4194305@elsewhere.ablate-part", "none", 0)
    assert len(read([tmp_path])[0]) == 1


def test_a_run_does_not_touch_a_folder_of_somebody_elses_even_where_it_fails(configured, tmp_path):
    """Launchers of others' call the task without our checks of where it goes."""
    (tmp_path / "history.csv").write_text("my own")
    ((_, result),) = run_all([Job(configured("trainer.epochs=1", "model.hidden=[4]"), tmp_path)])
    assert result["status"] == "failed" and "history.csv: was there before" in result["error"]
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("history.csv", "my own")]
