"""Which regularizer, at which strength, helps my model on my data, by how much, and how sure are we?"""

import importlib
import os
import random
from typing import TYPE_CHECKING, Any

from ablate.utils.imports import watch
from ablate.utils.version import VERSION as __version__

if TYPE_CHECKING:
    from ablate.analysis.statistics import compare
    from ablate.api import load, study, train
    from ablate.utils.errors import ConfigError, RunFailed

__all__ = ["ConfigError", "RunFailed", "__version__", "compare", "load", "study", "train"]

# Intel's matrix library rounds by how a product was cut into blocks, so a run's bits would depend on how
# many runs share its stack. Its reproducible mode costs nothing measurable (docs/performance.md), but it
# is read once, before the first product.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

watch()  # before modules of somebody's own are imported, as far as we can

_PLACES = {
    "ConfigError": "ablate.utils.errors",
    "RunFailed": "ablate.utils.errors",
    "compare": "ablate.analysis.statistics",
    "load": "ablate.api",
    "study": "ablate.api",
    "train": "ablate.api",
}


def __getattr__(name: str) -> Any:
    """The Python API, imported when it is asked for: the command line needs no pandas to refuse a wrong key."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    state = random.getstate()
    try:
        return getattr(importlib.import_module(_PLACES[name]), name)
    finally:
        random.setstate(state)  # rich draws from it when it is imported


def __dir__() -> list[str]:
    return sorted(__all__)
