"""Back-propagation by hand: the lecture notes' worked example, or any small network, beside autograd.

`delta_rule` is the algorithm, and all that one needs to read; `autograd` is the same step by PyTorch, as its
check. The rest is the command `python -m ablate.backprop`: what was asked for (`options`, `examples`), the
formulas in numbers (`naming`, `formulas`, `sections`), text, picture and TensorBoard (`show`, `picture`, `record`).
"""
