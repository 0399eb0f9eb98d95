"""From jobs to results: stacks that die as a whole are cut and tried again."""

from __future__ import annotations

import json

import pytest

from ablate.execution.runs import run_all
from ablate.records.job import Job
from helpers import break_training


@pytest.mark.parametrize("workers", [1, 2])
def test_of_a_stack_that_dies_as_a_whole_only_the_run_that_kills_it_fails(configured, tmp_path, monkeypatch, workers):
    overrides = ["trainer.epochs=3", "model.hidden=[8]", f"stack.workers={workers}"]
    jobs = [Job(configured(*overrides, f"seed={i}"), tmp_path / str(i)) for i in range(7)]
    list(run_all([Job(job.config, tmp_path / f"whole{i}") for i, job in enumerate(jobs)]))
    break_training(monkeypatch, seed=4, epoch=2, error=MemoryError())
    results = dict(run_all(jobs))
    assert {i for i, result in results.items() if result["status"] == "failed"} == {4}
    assert results[4]["error"] == "MemoryError" and "MemoryError" in (tmp_path / "4" / "ablate.log").read_text()
    for i in set(results) - {4}:
        lines = [(tmp_path / f"{name}{i}" / "history.csv").read_text().splitlines() for name in ("", "whole")]
        assert [line.rpartition(",")[0] for line in lines[0]] == [line.rpartition(",")[0] for line in lines[1]]


@pytest.mark.parametrize("store", [2, 3, 6, 7])
def test_a_stack_that_breaks_between_two_checkpoints_is_taken_apart_by_their_epochs(
    configured, tmp_path, monkeypatch, store
):
    from ablate.records import checkpoints

    overrides = ["trainer.epochs=6", "model.hidden=[8]", "trainer.checkpoint_every=2", "stack.workers=1"]
    configs = [configured(*overrides, f"seed={i}") for i in range(4)]
    list(run_all([Job(config, tmp_path / f"whole{i}") for i, config in enumerate(configs)]))
    stores, saved = checkpoints.store, tmp_path / "saved"  # a file, since it is a worker that stores

    def breaks(*arguments):
        with saved.open("a") as file:
            file.write(".")
        if saved.stat().st_size == store:
            raise MemoryError
        stores(*arguments)

    monkeypatch.setattr(checkpoints, "store", breaks)
    results = dict(run_all([Job(config, tmp_path / f"again{i}") for i, config in enumerate(configs)]))
    for i, result in results.items():
        whole = json.loads((tmp_path / f"whole{i}" / "result.json").read_text())
        assert (result["status"], result["metrics"]) == ("finished", whole["metrics"])
