"""L1 by soft thresholding after the step."""


def penalty(weight):
    return weight.abs().sum()


def proximal(weight, amount):
    return weight.sign() * (weight.abs() - amount).clamp(min=0)
