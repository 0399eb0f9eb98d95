"""Multiplies units by 1 + N(0, p), a layer's p."""

LAYERS = ("ablate.models.noisy.Noise",)


def masks(strength, random, out):
    wide = strength.view(-1, *[1] * (out.ndim - 1)).to(out.dtype)
    out.copy_(1 + wide * random.normal(*out.shape[1:]))
