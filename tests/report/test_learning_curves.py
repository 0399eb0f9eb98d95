"""Learning curves: means over runs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ablate.report import learning_curves


def test_means_end_where_fewer_than_half_of_the_runs_go_on():
    long = pd.DataFrame({"loss/val": [3.0, 2.0, 1.0, 1.0]}, index=[1, 2, 3, 4])
    short = pd.DataFrame({"loss/val": [1.0, np.inf]}, index=[1, 2])
    summary = learning_curves.summarise([long, short, short, pd.DataFrame()])
    assert list(summary.index) == [1, 2]
    assert summary.loc[1].to_dict() == pytest.approx({"loss/val mean": 5 / 3, "loss/val low": 1, "loss/val high": 3})
    assert summary.loc[2, "loss/val mean"] == 2
    assert list(learning_curves.summarise([long, short]).index) == [1, 2, 3, 4]


def test_a_long_history_is_thinned_but_keeps_its_ends():
    epochs = range(1, 5001)
    summary = learning_curves.summarise([pd.DataFrame({"loss/val": [1.0] * 5000}, index=epochs)])
    assert len(summary) <= learning_curves.POINTS + 1 and summary.index[0] == 1 and summary.index[-1] == 5000
