"""Hoyer's square: (Σ|w|)² / Σw², which autograd differentiates (Yang et al. 2020)."""


def penalty(weight):
    return weight.abs().sum().square() / weight.square().sum()
