"""What plots need to know of figures."""

from __future__ import annotations

import numpy as np

from ablate.report.plots import padded


def test_an_axis_has_room_for_a_single_value_and_none_for_nan():
    low, high = (getattr(padded([np.nan, 0.0, np.inf]), end) for end in ("low", "high"))
    assert low < 0 < high and np.isfinite([low, high]).all()
