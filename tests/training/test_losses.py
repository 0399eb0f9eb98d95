"""Data losses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ablate.training import losses


def test_a_tie_is_no_right_answer():
    for outputs in (1, 10):
        assert not losses.right(torch.zeros(1, outputs, 4), torch.zeros(1, 1, 4, dtype=torch.int64)).any()


@pytest.mark.parametrize("outputs", [1, 10])
def test_classes_and_their_probabilities_give_the_same_bits(outputs):
    random = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(4, outputs, 48, generator=random)
    y = torch.randint(0, max(outputs, 2), (4, 1, 48), generator=random)
    weight = torch.full((48,), 1 / 48)
    loss = losses.CrossEntropy()
    given = losses.probabilities(y, outputs)
    assert given.shape == logits.shape and given.dtype == torch.float32
    assert torch.equal(loss.gradient(logits, given, weight), loss.gradient(logits, y, weight))


NUMBERS = {
    "mse": nn.MSELoss(reduction="none"),
    "mae": nn.L1Loss(reduction="none"),
    "huber": nn.HuberLoss(reduction="none", delta=0.7),
}
KINDS = [
    (losses.CrossEntropy(), 1, nn.BCEWithLogitsLoss(reduction="none")),
    (losses.CrossEntropy(), 5, nn.CrossEntropyLoss(reduction="none")),
    (losses.BinaryCrossEntropy(), 3, nn.BCEWithLogitsLoss(reduction="none")),
    *((losses.Squared(), k, NUMBERS["mse"]) for k in (1, 2)),
    (losses.Absolute(), 2, NUMBERS["mae"]),
    (losses.Huber(0.7), 2, NUMBERS["huber"]),
]


@pytest.mark.parametrize(("loss", "outputs", "theirs"), KINDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_values_and_gradients_are_those_of_pytorch(loss, outputs, theirs, weighted):
    random = torch.Generator().manual_seed(0)
    logits = torch.randn(2, outputs, 16, generator=random)
    if isinstance(loss, losses.CrossEntropy):
        y = torch.randint(0, max(outputs, 2), (2, 1, 16), generator=random)
    elif isinstance(loss, losses.BinaryCrossEntropy):
        y = torch.randint(0, 2, (2, outputs, 16), generator=random).float()
    else:
        y = torch.randn(2, outputs, 16, generator=random)
    weight = torch.full((16,), 1 / 16)
    if weighted:
        weight = torch.rand(2, 1, 16, generator=random)
    leaf = logits.clone().requires_grad_()
    classes = isinstance(loss, losses.CrossEntropy) and outputs > 1
    each = theirs(leaf, y.squeeze(1)) if classes else theirs(leaf, y.float()).mean(1)
    torch.testing.assert_close(loss.values(logits, y), each.detach())
    (each * (weight.squeeze(1) if weighted else weight)).sum().backward()
    torch.testing.assert_close(loss.gradient(logits.clone(), y, weight), leaf.grad)
