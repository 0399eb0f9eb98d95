"""What the files and folders of runs and sweeps are called."""

RESULT, HISTORY, WEIGHTS, CHECKPOINT = "result.json", "history.csv", "model.safetensors", "checkpoint.safetensors"
LOG = "ablate.log"
EVENTS = "events.out.tfevents.*"  # TensorBoard's files
EARLIER = ".earlier"  # in a run's folder: its finished result of before, while it is done again
LOCK = ".lock"  # in the folder of whatever is at work there

# Of a sweep
ASKED = "study.json"  # what it was asked for
MULTIRUN = "multirun.yaml"  # Hydra's record of it
COMPARISON = "comparison"  # the folder of what TensorBoard is shown of the whole, and the name of its table
REPORT = "report.html"
