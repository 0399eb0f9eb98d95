"""Wisconsin's breast cancers: 569 tumours, 30 figures of their cells, malignant or benign. Ships with scikit-learn."""

from __future__ import annotations

from ablate.data import Source, _sklearn
from ablate.options.schema import TableConfig as Config

__all__ = ["Config", "load"]


def load(config: Config) -> Source:
    return _sklearn.load(config, "load_breast_cancer", "diagnosis")
