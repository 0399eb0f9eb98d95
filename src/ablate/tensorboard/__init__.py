"""What a run shows in TensorBoard, and the writer of its event files.

Doors: `run.RunWriter` writes a run's, `writer` any; `command` says how to look at them.
"""
