"""The gradient's norm is this at most."""


def gradients(gradient, weight, strength, random):
    return gradient * (strength / gradient.norm(dim=1, keepdim=True)).clamp(max=1)
