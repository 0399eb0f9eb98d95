"""Noise on the gradient, of this standard deviation (Neelakantan et al. 2015, without its schedule)."""


def gradients(gradient, weight, strength, random):
    return gradient + strength * random.normal(gradient.shape[1])
