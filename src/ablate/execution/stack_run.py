"""One stack: has it trained, and hands its rows to whoever records them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ablate.records import checkpoints
from ablate.records.job import Job
from ablate.records.recorder import Recorder, record_failure
from ablate.tensorboard.run import RunWriter, mark_failed
from ablate.training.engine import Row, Unfit, train
from ablate.utils import interrupts
from ablate.utils.errors import ConfigError, one_line

Result = dict[str, Any]


@dataclass
class StackFailed:
    """Training raised, and it may have been any one of several runs' doing."""

    reason: str


@dataclass
class BeginsAnew:
    """A run can't go on from its checkpoint, and has to begin without the stack's others. run: its place among them."""

    run: int
    why: str


Event = list[Row] | tuple[int, Result] | StackFailed | BeginsAnew


def train_stack(jobs: Sequence[Job]) -> Iterator[Event]:
    """Train and record jobs of one `stackable.signature`; yield every epoch's rows, and a job's result at its end.

    Jobs with a checkpoint, all of one epoch, go on from there; where one turns out to be of something else, all else is
    `BeginsAnew`. What training raises is the result (`failed`) of the job that had not ended, where there is but one;
    else all that is left is `StackFailed`. What recording raises is the result of that run alone.

    Raises:
        ConfigError: the dataset can't be had. Nothing is written then.
    """
    recorders: dict[int, Recorder] = {}
    left = set(range(len(jobs)))
    saved = []
    for place, job in enumerate(jobs):
        try:
            saved.append(checkpoints.load(job))
        except OSError as error:  # files that can't be cut back
            yield BeginsAnew(place, one_line(error))
            return
    try:
        for rows in train([job.config for job in jobs], saved):
            results: dict[int, Result | None] = {}
            for row in rows:
                if row.run not in left:
                    continue
                try:
                    if row.run not in recorders:
                        recorders[row.run] = _recorder(jobs[row.run], resumed=saved[row.run] is not None)
                    results[row.run] = recorders[row.run].take(row)
                except MemoryError:  # the stack's doing, which may be cut
                    raise
                except Exception as error:  # a full disk, say, or samples that no picture can be made of
                    interrupts.check()
                    results[row.run] = failed(jobs[row.run], one_line(error), error)
            yield rows
            for place, result in results.items():
                if result is not None:
                    left.discard(place)
                    yield place, result
            if not left:
                return
    except ConfigError:
        raise
    except Unfit as unfit:
        yield BeginsAnew(unfit.run, str(unfit))
    except Exception as error:
        interrupts.check()
        if len(left) > 1:
            yield StackFailed(one_line(error))
        for place in left if len(left) == 1 else ():
            yield place, failed(jobs[place], one_line(error), error)
    finally:
        for recorder in recorders.values():
            with suppress(OSError):  # what could not be written has been said
                recorder.close()


def _recorder(job: Job, resumed: bool) -> Recorder:
    """Whoever keeps a further file of a run is handed in here."""
    return Recorder(job, resumed, [RunWriter] if job.config.logging.tensorboard else [])


def failed(job: Job, reason: str, error: BaseException | None = None) -> Result:
    """The result of a run that failed, recorded as far as that can be done."""
    return record_failure(job, reason, error, [mark_failed] if job.config.logging.tensorboard else [])
