"""Samples that are read when they are asked for: what has the shape of an array, and reads rows by their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ablate.utils.errors import ConfigError, one_line


class Lazy:
    """shape: [n, …], of all; dtype: of a number. Indexed by a place, a slice or an array of places or of booleans."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, places: Any) -> np.ndarray:
        """One sample of a place, else an array of samples.

        Raises:
            ConfigError: one can't be read. IndexError: there is none of this place.
        """
        chosen = np.arange(len(self))[places]
        if chosen.ndim == 0:
            return self.read(int(chosen))
        found = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        for row, place in enumerate(chosen):
            found[row] = self.read(int(place))
        return found

    def read(self, place: int) -> np.ndarray:
        """The sample of this place."""
        raise NotImplementedError


class Samples(Lazy):
    """Those of a torch Dataset that can be indexed and gives (x, y). y: [n] or [n, k], read at once."""

    def __init__(self, dataset: Any, name: str) -> None:
        self.dataset, self.name = dataset, name
        first = self._item(0)
        x = self._array(first[0], 0)
        self.shape, self.dtype = (len(dataset), *x.shape), x.dtype
        self.y = self._targets()

    @classmethod
    def of(cls, dataset: Any, name: str) -> Samples:
        """
        Raises:
            ConfigError: it can't be indexed, is empty, or gives no pairs.
        """
        try:
            length = len(dataset)
        except (TypeError, NotImplementedError):
            raise ConfigError(f"dataset={name}: its Dataset has no length; must be one that can be indexed") from None
        if not length:
            raise ConfigError(f"dataset={name}: its Dataset is empty")
        return cls(dataset, name)

    def read(self, place: int) -> np.ndarray:
        x = self._array(self._item(place)[0], place)
        if x.shape != self.shape[1:]:
            said = f"has the shape {list(x.shape)}; must be {list(self.shape[1:])}, as the first"
            raise ConfigError(f"dataset={self.name}: its sample {place:,} {said}")
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise ConfigError(f"dataset={self.name}: its sample {place:,} holds NaN or infinity")
        return x

    def _item(self, place: int) -> Sequence[Any]:
        try:
            item = self.dataset[place]
        except Exception as error:  # whatever code of the user's may raise
            raise ConfigError(f"dataset={self.name}: its sample {place:,}: {one_line(error)}") from error
        if not isinstance(item, tuple | list) or len(item) != 2:
            raise ConfigError(f"dataset={self.name}: its Dataset must give (x, y), not {type(item).__name__}")
        return item

    def _array(self, x: Any, place: int) -> np.ndarray:
        """A tensor, array or picture as an array of numbers, pictures as [channels, height, width]."""
        try:
            array = np.asarray(x)
        except Exception as error:
            raise ConfigError(f"dataset={self.name}: its sample {place:,}: {one_line(error)}") from error
        if array.dtype.kind not in "biuf":
            kind = type(x).__name__
            raise ConfigError(f"dataset={self.name}: its sample {place:,} is of type {kind}; must be numbers")
        if hasattr(x, "getbands"):  # Pillow's
            return array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
        return array[None] if array.ndim == 0 else array

    def _targets(self) -> np.ndarray:
        """As torchvision's sets have them at hand; else of every sample."""
        for name in ("targets", "labels"):
            known = getattr(self.dataset, name, None)
            if known is not None and getattr(self.dataset, "target_transform", None) is None:
                found = np.asarray(known)
                if found.ndim in (1, 2) and len(found) == len(self):
                    return found
        try:
            return np.stack([np.asarray(self._item(place)[1]) for place in range(len(self))])
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(f"dataset={self.name}: its labels are of no one shape: {one_line(error)}") from error
