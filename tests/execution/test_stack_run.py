"""One stack: what becomes of runs whose training or recording raises."""

from __future__ import annotations

import math

from ablate.execution.runs import run_all
from ablate.records.job import Job


def test_what_training_raises_is_the_result_of_every_run_that_had_not_ended(configured, tmp_path, monkeypatch):
    from ablate.training.stack import Stack

    train_epoch = Stack.train_epoch

    def breaks(self, epoch):
        if epoch == 3:
            raise RuntimeError("out of\nmemory")
        train_epoch(self, epoch)

    monkeypatch.setattr(Stack, "train_epoch", breaks)
    configs = [configured("trainer.epochs=2"), configured("trainer.epochs=5"), configured("trainer.epochs=5", "seed=1")]
    jobs = [Job(config, tmp_path / str(i)) for i, config in enumerate(configs)]
    results = dict(run_all(jobs))
    assert [results[i]["status"] for i in range(3)] == ["finished", "failed", "failed"]
    assert results[1]["error"] == "RuntimeError: out of memory"
    assert len((tmp_path / "1" / "history.csv").read_text().splitlines()) == 3


def test_seconds_of_a_stack_are_shared_out(configured, tmp_path):
    import time

    jobs = [Job(configured("trainer.epochs=3", f"seed={i}"), tmp_path / str(i)) for i in range(4)]
    started = time.perf_counter()
    results = dict(run_all(jobs))
    assert math.fsum(result["seconds"] for result in results.values()) <= time.perf_counter() - started


def test_what_recording_raises_is_that_runs_result_and_claims_nothing(configured, tmp_path, monkeypatch):
    from ablate.records import recorder

    write = recorder.write

    def full(path, content):
        if path.parent.name == "1":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr(recorder, "write", full)
    jobs = [Job(configured("trainer.epochs=3", "model.hidden=[8]", f"seed={i}"), tmp_path / str(i)) for i in range(3)]
    results = dict(run_all(jobs))
    assert [results[i]["status"] for i in range(3)] == ["finished", "failed", "finished"]
    assert "No space left on device" in results[1]["error"]
    assert [(tmp_path / str(i) / "result.json").exists() for i in range(3)] == [True, False, True]
