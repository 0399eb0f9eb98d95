"""What is taken of matplotlib, imported whatever MPLBACKEND says: what is drawn here has no use for a backend."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

_named = os.environ.pop("MPLBACKEND", None) if "matplotlib" not in sys.modules else None

import matplotlib  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator  # noqa: E402

if _named is not None:
    os.environ["MPLBACKEND"] = _named
    with suppress(ValueError):  # there is none of this name, of which an import of matplotlib would die
        matplotlib.rcParams["backend"] = _named

__all__ = ["Axes", "Figure", "FixedFormatter", "FixedLocator", "MaxNLocator", "NullLocator", "matplotlib"]
