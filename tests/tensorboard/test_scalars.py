from __future__ import annotations

from ablate.tensorboard import scalars


def test_an_epochs_gaps_are_those_that_its_figures_have():
    full = {"loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 1.0, "accuracy/val": 0.75, "seconds": 9.0}
    assert scalars.of_epoch(full) == {
        "loss/train": 0.25, "loss/val": 0.5, "accuracy/train": 1.0, "accuracy/val": 0.75,
        "gap/loss": 0.25, "gap/accuracy": 0.25,
    }  # fmt: skip
    assert scalars.of_epoch({"loss/train": 0.25}) == {"loss/train": 0.25}
