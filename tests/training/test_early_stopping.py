"""Written-out lists of losses; nothing is trained."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ablate.config.schema import EarlyStopping
from ablate.training.early_stopping import Stopper

nan = math.nan
ACCURACY = {"mode": "max", "monitor": "accuracy/val"}


def config(**changed: object) -> EarlyStopping:
    keras = {"monitor": "loss/val", "mode": "min", "patience": 0, "min_delta": 0.0, "baseline": None}
    return EarlyStopping(**(keras | {"start_from_epoch": 0, "restore_best_weights": True} | changed))  # type: ignore[arg-type]


def watch(losses: list[float], **changed: object) -> tuple[int | None, int]:
    """(epoch it stopped after, or None; best epoch) of one run."""
    stopper = Stopper([config(**changed)])
    for epoch, loss in enumerate(losses, start=1):
        stopper.update(epoch, {"loss/val": np.array([loss]), "accuracy/val": np.array([loss])})
        if stopper.stopped[0]:
            return epoch, int(stopper.best_epoch[0])
    return None, int(stopper.best_epoch[0])


@pytest.mark.parametrize(
    ("losses", "settings", "expected"),
    [
        ([5, 4, 3, 2], {"patience": 1}, (None, 4)),
        ([5, 4, 6, 3], {"patience": 1}, (3, 2)),
        ([5, 4, 6, 3], {"patience": 0}, (3, 2)),  # Keras: like patience 1
        ([5, 4, 6, 3], {"patience": 2}, (None, 4)),
        ([5, 6, 7, 4], {"patience": 2}, (3, 1)),
        ([5, 4, 6, 7, 3], {"patience": None}, (None, 5)),
        ([3, 3, 3], {"patience": 2}, (3, 1)),  # ties keep the earlier epoch and are no improvement
        ([3, 2.9, 2.8], {"patience": 1, "min_delta": 0.5}, (2, 1)),
        ([3, 2.4, 1.8], {"patience": 1, "min_delta": 0.5}, (None, 3)),
        ([3, 2.5, 2], {"patience": 1, "min_delta": 0.5}, (2, 1)),  # strict: exactly min_delta is none
        # ties of decimals, which no precision has exactly: Keras' figures are float32
        ([0.8, 0.7], {"patience": 1, "min_delta": 0.1}, (2, 1)),  # in double precision 0.8 - 0.1 is above 0.7
        ([0.3, 0.2], {"patience": 1, "min_delta": 0.1}, (2, 1)),
        ([0.7, 0.8], {**ACCURACY, "patience": 1, "min_delta": 0.1}, (2, 1)),
        ([0.2, 0.3], {**ACCURACY, "patience": 1, "min_delta": 0.1}, (None, 2)),  # float32's 0.3 is above 0.3
        ([0.5, 0.5 - 1e-9], {"patience": 1}, (2, 1)),
        ([0.9, 0.7, 0.6], {"patience": 2, "min_delta": 0.1, "baseline": 0.8}, (3, 2)),
        ([0.9, 0.9, 0.8, 0.7], {"patience": 1, "min_delta": 0.1, "start_from_epoch": 2}, (4, 3)),
        # start_from_epoch: the first epochs are neither watched nor the best
        ([1, 5, 4, 6], {"patience": 1, "start_from_epoch": 1}, (4, 3)),
        ([1, 2, 3, 4], {"patience": 1, "start_from_epoch": 9}, (None, 0)),
        # baseline: only what beats it resets the patience, but the best is the best all the same
        ([5, 4, 3, 3.5], {"patience": 2, "baseline": 2.0}, (4, 3)),
        ([5, 1, 1.5, 1.6], {"patience": 2, "baseline": 2.0}, (4, 2)),
        # NaN is never an improvement and never the best
        ([nan, nan, nan], {"patience": 2}, (2, 0)),
        ([nan, 3, 2], {"patience": 2}, (None, 3)),
        ([nan, 3, 2], {"patience": 0}, (None, 3)),  # the first epoch never stops
        ([3, nan, 2], {"patience": 2}, (None, 3)),
        ([3, nan, nan], {"patience": 2}, (3, 1)),
        # the notes: 0.04 … 0.0401 at epoch 25 … 0.04001 at 35 … still there at 99
        ([0.05] + [0.04] * 98, {"patience": 10}, (12, 2)),
        ([0.1, 0.2, 0.3, 0.2], {**ACCURACY, "patience": 1}, (4, 3)),
    ],
)
def test_stops_where_keras_does(losses, settings, expected):
    assert watch(losses, **settings) == expected


def keras(losses: list[float], patience: int, min_delta: float, baseline: float | None, start: int, mode: str):
    """Keras 3's EarlyStopping.on_epoch_end, transcribed, of float32 figures; NaN is no improvement."""
    best, best_epoch, wait = None, 0, 0

    def better(value: float, reference: float | None) -> bool:
        if math.isnan(value) or reference is None:
            return not math.isnan(value)
        if mode == "min":
            return bool(np.float32(value + min_delta) < np.float32(reference))
        return bool(np.float32(value - min_delta) > np.float32(reference))

    for epoch, loss in enumerate(np.float32(losses).tolist()):
        if epoch < start:
            continue
        wait += 1
        if better(loss, best):
            best, best_epoch = loss, epoch + 1
            if baseline is None or better(loss, baseline):
                wait = 0
            continue
        if wait >= patience and epoch > 0:
            return epoch + 1, best_epoch
    return None, best_epoch


@given(
    losses=st.lists(st.sampled_from([i / 10 for i in range(11)] + [nan]), min_size=1, max_size=20),
    patience=st.integers(0, 5),
    min_delta=st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5]),
    baseline=st.sampled_from([None, 0.3, 0.7]),
    start=st.integers(0, 4),
    monitored=st.sampled_from([{}, ACCURACY]),
)
def test_agrees_with_keras_on_any_losses(losses, patience, min_delta, baseline, start, monitored):
    settings = {"patience": patience, "min_delta": min_delta, "baseline": baseline, "start_from_epoch": start}
    expected = keras(losses, patience, min_delta, baseline, start, monitored.get("mode", "min"))
    assert watch(losses, **settings, **monitored) == expected


DIFFERENT = (
    {"patience": 2},
    {**ACCURACY, "patience": 1, "min_delta": 0.5},
    {"patience": 3, "baseline": 2.0},
    {"patience": 0, "start_from_epoch": 2},
    {"patience": None},
)
FIGURES = st.lists(st.sampled_from([1.0, 2.0, 2.25, 3.0, nan]), min_size=8, max_size=8)


@given(st.tuples(*[FIGURES] * len(DIFFERENT)), st.integers(1, 7))
def test_runs_that_stay_or_go_on_later_keep_what_is_theirs_when_others_leave(drawn, pause):
    """Of every run: what is known of it after each epoch is what it would be of the run alone."""
    alone = [Stopper([config(**settings)]) for settings in DIFFERENT]
    stopper, there = Stopper([config(**settings) for settings in DIFFERENT]), list(range(len(DIFFERENT)))
    for epoch in range(1, 9):
        now = np.array([drawn[run][epoch - 1] for run in there])
        improved = stopper.update(epoch, {"loss/val": now, "accuracy/val": now})
        for place, run in enumerate(there):
            expected = alone[run].update(epoch, {"loss/val": now[[place]], "accuracy/val": now[[place]]})
            assert improved[place] == expected[0]
            np.testing.assert_equal(stopper.entry(place), alone[run].entry(0))
        stay = ~stopper.stopped
        there = [run for run, stays in zip(there, stay, strict=True) if stays]
        stopper.keep(stay)
        if epoch == pause:
            entries = [stopper.entry(place) for place in range(len(there))]
            stopper = Stopper([config(**DIFFERENT[run]) for run in there])
            for place, entry in enumerate(entries):
                stopper.resume(place, entry)


def test_what_is_known_of_a_run_is_plain_numbers():
    stopper = Stopper([config(patience=5)])
    assert stopper.best_epoch[0] == stopper.wait[0] == 0 and math.isnan(stopper.best[0])
    for epoch, loss in enumerate([3.0, 2.0, 4.0], start=1):
        stopper.update(epoch, {"loss/val": np.array([loss])})
    assert stopper.entry(0) == {"best": 2.0, "best_epoch": 2, "wait": 1, "stopped": False}
    assert [type(value) for value in stopper.entry(0).values()] == [float, int, int, bool]  # json takes no others


@pytest.mark.parametrize("beyond", [{"min_delta": 1e300}, {"baseline": 1e300}])
def test_figures_beyond_float32_are_infinite_and_no_warning(beyond):
    assert watch([3, 2, 1], patience=2, **beyond) == ((3, 1) if "min_delta" in beyond else (None, 3))


@given(st.lists(st.lists(st.sampled_from([1.0, 2.0, 3.0, nan]), min_size=8, max_size=8), min_size=2, max_size=5))
def test_runs_in_company_stop_as_they_do_alone(losses):
    stopper = Stopper([config(patience=i) for i in range(len(losses))])
    stopped: list[int | None] = [None] * len(losses)
    for epoch in range(1, 9):
        stopper.update(epoch, {"loss/val": np.array([run[epoch - 1] for run in losses])})
        for i in np.flatnonzero(stopper.stopped):
            stopped[i] = stopped[i] or epoch
    for i, run in enumerate(losses):
        assert (stopped[i], int(stopper.best_epoch[i])) == watch(run, patience=i)
