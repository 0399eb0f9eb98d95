"""Dropout's masks."""

from __future__ import annotations

import math

import pytest
import torch

from ablate.regularizers import dropout
from ablate.utils.seeds import DROPOUT, Draws, generator


@pytest.mark.parametrize("p", [0.1, 0.2, 0.5, 0.9])
def test_dropout_hides_its_share_and_keeps_the_mean(p):
    mask = torch.empty(1, 200_000)
    dropout.masks(torch.tensor([p], dtype=torch.float64), Draws([generator(0, DROPOUT, 1)], "cpu"), mask)
    p = round(p * 2**16) / 2**16
    n = mask.numel()
    hidden = (mask == 0).double().mean().item()
    assert abs(hidden - p) < 5 * math.sqrt(p * (1 - p) / n)
    assert set(mask.unique().tolist()) == {0.0, torch.tensor(1 / (1 - p)).item()}
    assert abs(mask.double().mean().item() - 1) < 5 * math.sqrt(p / (1 - p) / n)
