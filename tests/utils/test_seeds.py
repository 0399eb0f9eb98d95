"""Random numbers."""

from __future__ import annotations

import math

import torch

from ablate.utils.seeds import DROPOUT, Draws, generator


def test_lanes_are_uniform_over_their_range():
    lanes = Draws([generator(1, DROPOUT, 1)], "cpu").lanes(400_000).double()
    assert lanes.min() < -32_700 and lanes.max() > 32_700
    counts = torch.histc(lanes, 64, -32_768, 32_768)
    chi2 = ((counts - counts.mean()) ** 2 / counts.mean()).sum().item()
    assert chi2 < 63 + 5 * math.sqrt(2 * 63)
