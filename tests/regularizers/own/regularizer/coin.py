"""A layer's units are hidden or doubled by the toss of a coin, whatever its p."""

LAYERS = ("ablate.models.coin.Coin",)


def masks(strength, random, out):
    out.copy_(2 * (random.uniform(*out.shape[1:]) < 0.5))
