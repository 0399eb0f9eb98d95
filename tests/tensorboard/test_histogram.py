from __future__ import annotations

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ablate.tensorboard.histogram import histogram
from ablate.tensorboard.writer import Writer


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
    found = histogram(values, 16)
    counts, edges = np.histogram(values.astype(np.float64), 16)
    assert found["bucket_counts"] == counts.tolist()
    assert found["bucket_limits"] == pytest.approx(edges[1:].tolist(), rel=1e-9, abs=1e-300)
    assert (found["min"], found["max"], found["num"]) == (values.min(), values.max(), values.size)
    assert found["sum_squares"] == pytest.approx(np.square(values, dtype=np.float64).sum())


def test_a_summary_writer_takes_it(tmp_path):
    with Writer(tmp_path) as opened:
        opened.add_histogram_raw("weights", **histogram(np.array([[0.0, 1.0], [1.0, 2.0]]), 4), global_step=3)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (found,) = events.Histograms("weights")
    assert found.step == 3 and found.histogram_value.bucket == [1, 0, 2, 1]
    assert found.histogram_value.bucket_limit == [0.5, 1, 1.5, 2]
