"""Decoupled weight decay: every step takes learning rate × λ of a kernel off it (Loshchilov and Hutter 2019)."""


def decay(weight, amount):
    return weight * (1 - amount)
