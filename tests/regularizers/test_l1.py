"""L1 and L2 by hand."""

from __future__ import annotations

import torch

from ablate.regularizers import l1, l2


def test_penalties_are_sums_over_the_kernel_as_in_keras():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    assert l1.penalty(weight).item() == 3.5
    assert l2.penalty(weight).item() == 5.25


def test_gradients_are_the_constant_pull_and_the_proportional_one():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0]])
    assert l1.gradient(weight).tolist() == [[1, -1], [1, 0]]
    assert l2.gradient(weight).tolist() == [[2, -4], [1, 0]]
