"""What the files and folders of runs and sweeps are called."""

from ablate.config.registration import MULTIRUN as MULTIRUN  # of a sweep

RESULT, HISTORY, WEIGHTS, CHECKPOINT = "result.json", "history.csv", "model.safetensors", "checkpoint.safetensors"
PREDICTION, COLUMNS = "prediction.json", "columns.json"  # what prediction needs; of tables the second too
LOG = "ablate.log"
EVENTS = "events.out.tfevents.*"  # TensorBoard's files
OWN_EVENTS = f"{EVENTS}.ablate*"  # of these, those that `tensorboard.writer` has written
EARLIER = ".earlier"  # in a run's folder: its finished result of before, while it is done again
LOCK = ".lock"  # in the folder of whatever is at work there
WRITING = ".writing.lock"  # in a folder whose table is being written
MARK = ".ablate"  # in every folder that files of ours are put into: of which kinds

# Of a sweep
ASKED = "study.json"  # what it was asked for

# Of a comparison
COMPARISON = "comparison"  # the folder of what TensorBoard is shown of the whole, and the name of its table
REPORT = "report.html"
RUNS, STRENGTHS = "runs.csv", "strengths.csv"
