"""Sharpness-aware minimisation: the gradient is that at w + ρ·g/‖g‖ (Foret et al. 2021)."""


def ascent(weight, gradient, strength):
    return weight + strength * gradient / gradient.norm(dim=1, keepdim=True)
