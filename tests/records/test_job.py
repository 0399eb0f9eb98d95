"""What there is to do is the same run in every process."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from operator import attrgetter
from pathlib import Path

import pytest

from ablate.options.discovery import using
from ablate.records.job import Job

IDENTITY = attrgetter("run_id", "arm_id", "origin")


@pytest.mark.slow
@pytest.mark.usefixtures("elsewhere")
def test_a_spawned_process_finds_the_same_run(configured, tmp_path):
    """It knows nothing of options of one's own but what comes with the config."""
    for file, text in {
        "regularizer/mine.py": "from ._near import size\n\n\ndef penalty(weight):\n    return size(weight)\n",
        "regularizer/_near.py": "def size(weight):\n    return weight.square().sum()\n",
    }.items():
        path = Path("mine", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with using([Path("mine")]):
        jobs = [
            Job(configured("regularizer.mine=0.1", "dataset.split_seed=null", f"seed={i}"), tmp_path) for i in (0, 1)
        ]
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
            there = list(processes.map(IDENTITY, jobs))
        assert there == [IDENTITY(job) for job in jobs] and there[0][0] != there[1][0]
        assert {"ablate.regularizers.mine", "ablate.regularizers._near"} <= there[0][2]["code"].keys()
