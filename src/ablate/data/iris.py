"""Fisher's iris: 150 flowers, 4 lengths in cm, 3 species. Ships with scikit-learn."""

from __future__ import annotations

from ablate.data import Source, _sklearn
from ablate.options.schema import TableConfig as Config

__all__ = ["Config", "load"]


def load(config: Config) -> Source:
    return _sklearn.load(config, "load_iris", "species")
