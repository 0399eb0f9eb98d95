"""Which scalars TensorBoard is shown of an epoch, and the charts that show them together."""

from __future__ import annotations

from collections.abc import Mapping

GAPS = {
    "gap/loss": ("loss/val", "loss/train"),
    "gap/accuracy": ("accuracy/train", "accuracy/val"),
    "gap/rmse": ("rmse/val", "rmse/train"),
}

# The tab Custom Scalars: a chart is a pattern of the tags in it.
_CHARTS = {
    "training against validation": {
        "loss": "^loss/(train|val)$",
        "accuracy, or RMSE": "^(accuracy|rmse)/(train|val)$",
    },
    "gap": {
        "loss, validation − training": "^gap/loss$",
        "accuracy, training − validation, or RMSE, validation − training": "^gap/(accuracy|rmse)$",
    },
    "penalty": {"penalty": "^penalty$", "objective = training loss + penalty": "^(objective|loss/train)$"},
    "sparsity": {
        "share of weights at 0, and below 1e-3": "^weights/(near_)?zeros$",
        "norms of the weights": "^weights/l[12]_norm$",
        "share of units that are dead": "^units/dead/",
    },
    "gradients": {"norm of each layer's": "^gradients/"},
}
LAYOUT = {
    category: {title: ["Multiline", [tags]] for title, tags in charts.items()} for category, charts in _CHARTS.items()
}


def of_epoch(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures of an epoch, and the generalization gaps that they have: above 0 where a model overfits."""
    gaps = {
        gap: figures[larger] - figures[smaller]
        for gap, (larger, smaller) in GAPS.items()
        if larger in figures and smaller in figures
    }
    return {name: value for name, value in {**figures, **gaps}.items() if name != "seconds"}
