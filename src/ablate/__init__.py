"""Which regularizer, at which strength, helps my model on my data, by how much, and how sure are we?"""

import os

__version__ = "0.1.0"

# Intel's matrix library rounds by how a product was cut into blocks, so a run's bits would depend on how
# many runs share its stack. Its reproducible mode costs nothing measurable (docs/performance.md), but it
# is read once, before the first product.
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
