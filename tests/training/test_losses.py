"""Data losses."""

from __future__ import annotations

import pytest
import torch

from ablate.training import losses


def test_a_tie_is_no_right_answer():
    right = losses.sums(torch.zeros(1, 10, 4), torch.zeros(1, 1, 4, dtype=torch.int64))[1]
    assert right.item() == 0


@pytest.mark.parametrize("outputs", [1, 10])
def test_classes_and_their_probabilities_give_the_same_bits(outputs):
    random = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, outputs, 48, generator=random)
    y = torch.randint(0, max(outputs, 2), (4, 1, 48), generator=random)
    weight = torch.full((48,), 1 / 48)
    given = losses.probabilities(y, outputs)
    assert given.shape == logits.shape and given.dtype == torch.float32
    assert torch.equal(losses.gradient(logits, given, weight), losses.gradient(logits, y, weight))
