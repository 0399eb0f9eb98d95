"""The incoming weights of a unit have this norm at most (Srebro and Shraibman 2005)."""


def project(weight, strength):
    norms = weight.flatten(1).norm(dim=1).view(-1, *[1] * (weight.ndim - 1))
    return weight * (strength / norms.clamp(min=1e-12)).clamp(max=1)
