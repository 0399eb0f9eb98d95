from __future__ import annotations

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablate.tensorboard.writer import EventFile, epoch, histogram


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-1, 1, 999, dtype=np.float32),
        np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32),
        np.zeros(7, np.float32),
        np.full((2, 3), 5.0, np.float32),
        np.array([-3e38, 3e38, 0], np.float32),
        np.array([1e-45, 0], np.float32),
    ],
)
def test_a_histogram_counts_every_value_where_numpy_does(values):
    found = histogram("h", values, 16).histo
    counts, edges = np.histogram(values.astype(np.float64), 16)
    assert list(found.bucket) == counts.tolist()
    assert list(found.bucket_limit) == pytest.approx(edges[1:].tolist(), rel=1e-9, abs=1e-300)
    assert (found.min, found.max, found.num) == (values.min(), values.max(), values.size)
    assert found.sum_squares == pytest.approx(np.square(values, dtype=np.float64).sum())


def test_an_epochs_gaps_are_those_that_its_figures_have():
    full = {"loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 1.0, "accuracy/val": 0.75, "seconds": 9.0}
    assert {v.tag: v.simple_value for v in epoch(full)} == {
        "loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 1.0, "accuracy/val": 0.75,
        "gap/loss": 0.25, "gap/accuracy": 0.25,
    }  # fmt: skip
    assert [v.tag for v in epoch({"loss/train": 0.25})] == ["loss/train"]


def test_what_is_added_can_be_read_by_tensorboard(tmp_path):
    file = EventFile(tmp_path)
    for step in (1, 2):
        file.add(epoch({"loss/val": step / 4}), step)
    file.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss/val")] == [(1, 0.25), (2, 0.5)]
