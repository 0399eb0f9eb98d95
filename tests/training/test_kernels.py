"""What a kernel is, and which the output layer's are: by the flow of data."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.training.kernels import kernels, of_output


class Net(nn.Module):
    """6 → 8 → 8 → 3; tests bend the way from the layers to the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.a, self.b = nn.Linear(8, 3), nn.Linear(6, 8), nn.Linear(8, 8)
        self.scale, self.norm, self.raw = (
            nn.Parameter(torch.ones(1, 3)),
            nn.LayerNorm(3),
            nn.Parameter(torch.ones(3, 8)),
        )

    def hidden(self, x: Tensor) -> Tensor:
        return torch.relu(self.b(torch.relu(self.a(x))))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(x))


class Scaled(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * self.scale


class Residual(Net):
    """What the last layer adds to leaves by a longer way than what it is added to."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x)
        return F.pad(self.norm(self.head(torch.relu(self.b(h)))), (0, 5)).add(h)[:, :3]


class TwoHeads(Net):
    def forward(self, x: Tensor) -> Tensor:
        h = self.hidden(x)
        return torch.sigmoid(self.head(h)) * F.linear(h, self.raw)


class Cosine(Net):
    def forward(self, x: Tensor) -> Tensor:
        return F.linear(F.normalize(self.hidden(x)), F.normalize(self.raw))


class Wide(Net):
    """A product that is direct, beside one of three layers."""

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.hidden(x)) + F.linear(x, self.raw[:, :6])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Net, {"head.weight"}),
        (Scaled, {"head.weight"}),
        (Residual, {"head.weight"}),
        (TwoHeads, {"head.weight", "raw"}),
        (Cosine, {"raw"}),
        (Wide, {"head.weight", "raw"}),
        (lambda: nn.Sequential(nn.Linear(6, 4, bias=False), nn.Linear(4, 3, bias=False)), {"1.weight"}),
        (lambda: nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)),
         {"4.weight"}),
        (lambda: nn.Sequential(nn.Linear(6, 3)), {"0.weight"}),
    ],
)  # fmt: skip
def test_the_output_layer_is_the_one_that_feeds_no_other(kind, expected):
    assert of_output(kind(), (6,)) == expected


def test_kernels_are_matrices_but_scales_norms_biases_and_tables():
    net = Net()
    net.table, net.place = nn.Embedding(4, 8), nn.Parameter(torch.zeros(1, 5, 8))
    net.attention, net.images = nn.MultiheadAttention(8, 2, add_bias_kv=True), nn.LayerNorm((4, 4))
    attention = {"attention.in_proj_weight", "attention.out_proj.weight"}
    assert kernels(net) == {"head.weight", "a.weight", "b.weight", "raw"} | attention
