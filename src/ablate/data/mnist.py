"""MNIST: 60,000 + 10,000 images of 28×28 pixels, 10 handwritten digits."""

from __future__ import annotations

from ablate.data import Source, _torchvision

Config = _torchvision.Config


def load(config: Config) -> Source:
    return _torchvision.load("MNIST", "MNIST/raw", _torchvision.MNIST_FILES, _torchvision.mnist, config.root)
