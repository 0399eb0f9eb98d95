"""Early stopping: a state machine over the figures of an epoch, for many runs at once. No I/O, no training.

Keras' parameters and meanings, and its test of an improvement, `current + |min_delta| < best`, in its arithmetic:
figures are float32, min_delta is added in double precision, and both sides are compared as float32. It is strict, so
ties keep the earlier epoch. Unlike in Keras, a NaN is never an improvement, and never the best. Epochs count from 1.
Source: `_is_improvement` in keras/src/callbacks/monitor_callback.py, 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ablate.config.schema import EarlyStopping

_SEEN = ("best", "best_epoch", "wait", "stopped")


class Stopper:
    """Watches `runs` figures, an entry a run.

    best: [runs], the best figure so far, NaN before there is one.
    best_epoch: [runs], its epoch, 0 before there is one.
    stopped: [runs], whether patience has run out.
    """

    def __init__(self, configs: Sequence[EarlyStopping]) -> None:
        self.monitors = np.array([c.monitor for c in configs], dtype=object)
        self.sign = np.array([1.0 if c.mode == "min" else -1.0 for c in configs])
        self.patience = np.array([np.inf if c.patience is None else c.patience for c in configs])
        self.min_delta = np.array([abs(c.min_delta) for c in configs])
        self.baseline = np.array([np.nan if c.baseline is None else c.baseline for c in configs])
        self.start = np.array([c.start_from_epoch for c in configs])
        self.best = np.full(len(configs), np.nan)
        self.best_epoch = np.zeros(len(configs), dtype=int)
        self.wait = np.zeros(len(configs), dtype=int)
        self.stopped = np.zeros(len(configs), dtype=bool)

    def update(self, epoch: int, figures: Mapping[str, np.ndarray]) -> np.ndarray:
        """Take in an epoch's figures ([runs] each, by name); return which runs have a new best, [runs]."""
        current = np.empty(len(self.best), dtype=np.float32)
        for name in set(self.monitors):
            current[self.monitors == name] = np.asarray(figures[name])[self.monitors == name]
        watching = (epoch > self.start) & ~self.stopped
        improved = watching & self._better(current, self.best)
        self.best[improved] = current[improved]
        self.best_epoch[improved] = epoch
        progress = improved & (np.isnan(self.baseline) | self._better(current, self.baseline))
        self.wait[watching] += 1
        self.wait[progress] = 0
        # Keras: an epoch that improves never stops, nor does the first; patience 0 stops like patience 1.
        self.stopped |= watching & ~improved & (self.wait >= self.patience) & (epoch > 1)
        return improved

    def _better(self, current: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Strictly better by more than min_delta; anything but NaN is better than no reference."""
        with np.errstate(over="ignore"):  # a min_delta or baseline beyond float32 is infinite
            moved = (self.sign * current + self.min_delta).astype(np.float32)
            beaten = moved < (self.sign * reference).astype(np.float32)
        return np.where(np.isnan(reference), ~np.isnan(current), beaten)

    def entry(self, run: int) -> dict[str, float]:
        """What has been seen of a run, for `resume`."""
        return {name: getattr(self, name)[run].item() for name in _SEEN}

    def resume(self, run: int, entry: Mapping[str, float]) -> None:
        """Go on with what `entry` was for a run.

        Raises:
            ValueError: it is something else.
        """
        if set(entry) != set(_SEEN):
            raise ValueError(f"of early stopping, {sorted(entry)} instead of {sorted(_SEEN)}")
        for name in _SEEN:
            getattr(self, name)[run] = entry[name]

    def keep(self, rows: np.ndarray) -> None:
        """Drop all runs but these (indices or mask)."""
        for name, value in vars(self).items():
            setattr(self, name, value[rows])
