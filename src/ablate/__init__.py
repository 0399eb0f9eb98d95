"""Which regularizer, at which strength, helps my model on my data, by how much, and how sure are we?"""

import os
from typing import TYPE_CHECKING, Any

from ablate.utils.version import VERSION as __version__

if TYPE_CHECKING:
    from ablate.analysis.statistics import compare
    from ablate.api import study, train

__all__ = ["__version__", "compare", "study", "train"]

# Intel's matrix library rounds by how a product was cut into blocks, so a run's bits would depend on how
# many runs share its stack. Its reproducible mode costs nothing measurable (docs/performance.md), but it
# is read once, before the first product.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")


def __getattr__(name: str) -> Any:
    """The Python API, imported when it is asked for: the command line needs no pandas to refuse a wrong key."""
    if name == "compare":
        from ablate.analysis.statistics import compare

        return compare
    if name in __all__:
        from ablate import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
