"""From this step on, the mean of the weights is judged and kept; before, the weights themselves."""


def average(weight, memory, strength, step):
    return memory + (weight - memory) / (step - strength + 1).clamp(min=1)
