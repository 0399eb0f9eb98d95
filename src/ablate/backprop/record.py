"""Steps as TensorBoard scalars. A scalar's step is the number of updates before it."""

from __future__ import annotations

from pathlib import Path

from ablate.backprop.delta_rule import Forward, Network, Penalty, Step
from ablate.backprop.naming import named, numbers, weights_and_biases
from ablate.tensorboard.writer import Writer


class Record:
    """Writes events into a folder. In TensorBoard they take the place of an earlier command's in it."""

    def __init__(self, folder: Path, penalty: Penalty) -> None:
        self.penalty = penalty
        self.events = Writer(folder, purge_step=0)

    def take(self, update: int, step: Step) -> None:
        """Record what update number `update` started from: error and weights, and the deltas and gradients found."""
        values = named(step)
        found = {f"gradients/{name[4:]}": value for name, value in values.items() if name.startswith("∂E/∂")}
        found |= {f"deltas/delta{name[1:]}": value for name, value in values.items() if name.startswith("δ")}
        self._write(update - 1, self._state(step.network, step.before) | found)

    def end(self, updates: int, last: Step) -> None:
        """Record the error and weights that the last update left."""
        self._write(updates, self._state(last.new, last.after))

    def close(self) -> None:
        self.events.close()

    def _state(self, network: Network, passed: Forward) -> dict[str, float]:
        penalty = sum(self.penalty.values(network.weights).values())
        found = {"error": passed.error, "penalty": penalty, "objective": passed.error + penalty}
        found |= {f"outputs/y{j}": float(y) for j, y in zip(numbers(network)[-1], passed.ys[-1], strict=True)}
        return found | {f"weights/{name}": value for name, value in weights_and_biases(network).items()}

    def _write(self, step: int, figures: dict[str, float]) -> None:
        self.events.add_metrics(figures, step)
