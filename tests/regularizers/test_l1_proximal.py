"""L1 by its proximal operator."""

from __future__ import annotations

import pytest
import torch

from ablate.regularizers import l1_proximal
from helpers import trained


def test_soft_thresholding_takes_the_amount_off_and_stops_at_0():
    weight = torch.tensor([[1.0, -2.0], [0.5, 0.0], [-0.25, 0.75], [3.0, -0.5]])
    amount = torch.tensor([[0.5, 0.5], [0.5, 0.5], [0.5, 0.25], [0.0, 0.0]])
    assert l1_proximal.proximal(weight, amount).tolist() == [[0.5, -1.5], [0, 0], [0, 0.5], [3, -0.5]]


def test_proximal_l1_makes_zeros_where_l1_makes_none(configured):
    ends = trained([configured("regularizer=l1"), configured("regularizer=l1_proximal")])
    by_gradient, row = (rows[-1] for rows in ends)
    kernels = [value.double() for key, value in row.ending.state.items() if key.endswith("weight")]
    zeros, numbers = (sum(int(f(w)) for w in kernels) for f in (lambda w: (w == 0).sum(), torch.numel))
    assert zeros > 0
    assert row.ending.weights["zeros"] == row.figures["weights/zeros"] == zeros / numbers
    assert by_gradient.ending.weights["zeros"] == 0
    penalty = 0.1 * sum(w.abs().sum().item() for w in kernels)
    assert row.figures["penalty"] == pytest.approx(penalty, rel=1e-6)


def test_with_plain_sgd_proximal_l1_ends_where_l1_does(configured):
    """Both go down the same objective; with momentum or Adam the docstring says why they don't."""
    base = ("optimizer=sgd", "optimizer.momentum=0", "trainer.epochs=20", "model.hidden=[16]")
    ends = trained([configured(*base, f"regularizer.{name}=0.003") for name in ("l1", "l1_proximal")])
    by_gradient, proximal = (rows[-1].figures for rows in ends)
    for figure in ("objective", "penalty"):
        assert proximal[figure] == pytest.approx(by_gradient[figure], rel=0.02)
    assert proximal["weights/zeros"] > 0.1 and by_gradient["weights/zeros"] == 0
