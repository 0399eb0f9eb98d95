"""CIFAR-10: 50,000 + 10,000 images of 32×32 pixels in 3 colours, 10 classes."""

from __future__ import annotations

from ablate.data import Source, _torchvision

Config = _torchvision.Config


def load(config: Config) -> Source:
    return _torchvision.load("CIFAR10", "cifar-10-batches-py", config)
