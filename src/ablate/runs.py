"""Trains jobs that share a stack, records them and shows how they get on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ablate.engine import Row, train
from ablate.errors import ConfigError, one_line
from ablate.recorder import Job, Recorder

log = logging.getLogger("ablate")

Listener = Callable[[Row], None]


def run(jobs: Sequence[Job], listen: Listener) -> list[dict[str, Any]]:
    """Train jobs of one `stacking.signature`; their results, as they stand in result.json.

    What a run raises is its result (`failed`), and that of all jobs here that had not ended.

    Raises:
        ConfigError: the dataset can't be had. Nothing is written then.
    """
    rows = train([job.config for job in jobs])
    recorders: list[Recorder] = []
    results: dict[int, dict[str, Any]] = {}
    try:
        for epoch in rows:
            if not recorders:
                recorders = [Recorder(job) for job in jobs]
            for row in epoch:
                result = recorders[row.run].take(row)
                listen(row)
                if result is not None:
                    results[row.run] = result
    except ConfigError:
        raise
    except Exception as error:
        log.exception("training failed")
        recorders = recorders or [Recorder(job) for job in jobs]
        for i, recorder in enumerate(recorders):
            if i not in results:
                results[i] = recorder.fail(one_line(error))
    return [results[i] for i in range(len(jobs))]
