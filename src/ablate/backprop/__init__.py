"""Back-propagation by hand: the lecture notes' worked example, or any small network, beside autograd.

`delta_rule` is the algorithm, and all that one needs to read; `autograd` is the same step by PyTorch, as its
check. The rest is the command `python -m ablate.backprop`: what is asked for (`task`), every value with its
formula in numbers (`formulas`), and what is made of them: text, picture, TensorBoard (`show`, `picture`, `command`).
"""
