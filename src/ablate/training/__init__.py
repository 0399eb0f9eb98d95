"""The one training loop. It trains a stack of runs, yields what happened in every epoch, and knows no files.

Door: `engine.train`. A training step, and where regularizers act in it, is `stack.Stack.step`.
"""
