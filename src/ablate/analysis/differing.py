"""In what arms differ beside how they are regularized: no verdict may read as one about a regularizer alone."""

from __future__ import annotations

from typing import Any

from ablate.config.identity import decisive
from ablate.config.schema import NOISE

REGULARIZES = ("regularizer.", "early_stopping.")
OF_MODELS = {f"model.{key}" for key in NOISE}


def differing(config: dict[str, Any], other: dict[str, Any]) -> tuple[list[str], bool]:
    """The keys in which two configs differ that are no regularization, and whether their regularization is the same.

    Keys that decide no figure don't count, nor does the seed. Of another option its group stands for its keys:
    `optimizer` for `optimizer.name`, `optimizer.eps` and the like. Of a config that is empty nothing is known.
    """
    if not config or not other:
        return [], True
    one, two = decisive(config), decisive(other)
    none = dict.fromkeys(OF_MODELS, 0.0)  # of a model that has no such key
    one, two = none | one, none | two
    keys = [key for key in dict.fromkeys([*one, *two]) if key != "seed" and one.get(key) != two.get(key)]
    regularize = [key for key in keys if key.startswith(REGULARIZES) or key in OF_MODELS]
    options = {key.removesuffix(".name") for key in keys if key.endswith(".name")}
    rest = [key for key in keys if key not in regularize]
    named = (key.partition(".")[0] if key.partition(".")[0] in options else key for key in rest)
    return list(dict.fromkeys(named)), not regularize
