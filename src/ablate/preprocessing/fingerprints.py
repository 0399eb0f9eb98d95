"""Which samples a source has: the same for the same ones, whatever file they were read from."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ablate.data import Source
from ablate.utils.arrays import is_frame, pieces

WHOLE = 2**30  # bytes of a mapped file beyond which its size and its time stand for what is in it


def fingerprint(source: Source) -> str:
    digest = hashlib.sha256()
    parts = (source.x, source.y, source.test_x, source.test_y, source.val_x, source.val_y)
    for array in (*parts, source.group, source.time, source.weight):
        if array is not None and (files := _files(array)):
            seen = [(str(file), (stat := Path(file).stat()).st_size, stat.st_mtime_ns) for file in files]
            digest.update(repr((seen, array.shape, str(array.dtype), getattr(array, "offset", 0))).encode())
        elif array is not None:
            _take(array, digest)
    return digest.hexdigest()


def _files(array: Any) -> Sequence[Any]:
    """Those of samples that are read when they are needed: what they hold is not looked at."""
    if isinstance(array, np.memmap) and array.nbytes > WHOLE:
        return [array.filename]
    files: Sequence[Any] = getattr(array, "files", ())
    return files


def _take(array: Any, digest: Any) -> None:
    if is_frame(array):
        import pandas as pd

        digest.update(repr([*zip(array.columns, map(str, array.dtypes), strict=True)]).encode())
        array = pd.util.hash_pandas_object(array, index=False).to_numpy()
    digest.update(f"{array.shape} {array.dtype}".encode())
    if array.dtype.kind in "OUS":
        digest.update(repr(array.tolist()).encode())
    else:
        for piece in pieces(array, np.arange(len(array))):
            digest.update(np.ascontiguousarray(piece).view(np.uint8).data)
