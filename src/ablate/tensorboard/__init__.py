"""What a run shows in TensorBoard, and the SummaryWriter that writes it.

Doors: `run.RunWriter` writes a run's event file, `writer.Writer` any; `command` says how to look at them.
"""
