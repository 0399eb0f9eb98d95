"""The batches of a stack."""

from __future__ import annotations

import pytest
import torch

from ablate.training.stack import Stack


def test_an_epoch_takes_every_sample_once_in_a_new_order(configured):
    stack = Stack([configured("dataset=noise", "trainer.batch_size=30")])
    seen = []
    for epoch in (1, 2):
        batches = list(stack.data.batches([0], epoch, 30, True))
        real = [x[0][weight > 0] for x, _, weight, _ in batches]
        assert all(len(x[0]) % 16 == 0 for x, _, _, _ in batches)
        assert all(weight.sum().item() == pytest.approx(1) for _, _, weight, _ in batches)
        seen.append(torch.cat(real))
    expected = stack.data.x["train"]
    assert not torch.equal(seen[0], seen[1])
    for x in seen:
        assert torch.equal(x.sort(0).values, expected.sort(0).values)
