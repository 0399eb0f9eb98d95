"""From a dataset's samples to what a run trains, chooses and tests on. Door: `splits.split`."""
