"""What prediction needs of a split, as JSON and bytes: nothing in them runs when they are read, whoever wrote them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ablate.options.schema import DEEPEST, Line, Schema, typed
from ablate.utils.errors import ConfigError, refuse
from ablate.utils.version import VERSION

if TYPE_CHECKING:
    import numpy as np

    from ablate.preprocessing.columns import Columns
    from ablate.preprocessing.inputs import Inputs, Scaled
    from ablate.preprocessing.samples import Split
    from ablate.preprocessing.targets import Target

MOST = 2**31  # numbers of a sample, or samples

Size = Annotated[int, Field(ge=1, le=MOST)]
Shape = Annotated[list[Size], Field(max_length=DEEPEST)]


class _Numbers(Schema):
    """An array: its shape, and its numbers one after the other."""

    shape: Shape
    values: list[float]


class _Array(Schema):
    kind: Literal["array"]
    shift: _Numbers
    scale: _Numbers


class _Columns(Schema):
    kind: Literal["columns"]


class _Target(Schema):
    """As `targets.Target`. Labels keep their types: text, numbers, true and false."""

    name: str
    labels: Annotated[list[str | int | float | bool], Field(min_length=1)]
    numbered: bool
    shift: list[float]
    scale: list[Annotated[float, Field(gt=0)]]


class _Saved(Schema):
    """features: what each number of a sample is, for people; rows: samples of each part."""

    ablate: Line
    task: Literal["binary", "multiclass", "multilabel", "regression"]
    target: _Target
    shape: Annotated[Shape, Field(min_length=1)]
    rows: dict[str, Size]
    inputs: Annotated[_Array | _Columns, Field(discriminator="kind")]
    features: list[str]


@dataclass(frozen=True)
class Prepared:
    """How samples become numbers and a model's numbers become answers.

    shape: of one sample as the model is given it; rows: samples of each part that a run was trained and judged on;
    features: what each number of a sample is, of tables.
    """

    target: Target
    inputs: Inputs
    shape: tuple[int, ...]
    rows: Mapping[str, int]
    features: tuple[str, ...]


def dumps(split: Split) -> tuple[str, bytes | None]:
    """A split without its samples: JSON, and what `Columns.dumps` gives; None of arrays."""
    from ablate.preprocessing.inputs import Scaled

    target, inputs = split.target, split.inputs
    columns: bytes | None = None
    if isinstance(inputs, Scaled):
        said: dict[str, Any] = {"kind": "array", "shift": _numbers(inputs.shift), "scale": _numbers(inputs.scale)}
    else:
        from ablate.preprocessing.columns import Columns  # imports scikit-learn, which only tables need

        assert isinstance(inputs, Columns)
        said, columns = {"kind": "columns"}, inputs.dumps()
    content = {
        "ablate": VERSION,
        "task": target.task,
        "target": {
            "name": target.name,
            "labels": [label if isinstance(label, str | int | float | bool) else str(label) for label in target.labels],
            "numbered": target.numbered,
            "shift": list(target.shift),
            "scale": list(target.scale),
        },
        "shape": list(split.shape),
        "rows": {name: len(part) for name, part in split.parts.items()},
        "inputs": said,
        "features": list(inputs.features),
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n", columns


def loads(content: Any, columns: Columns | None) -> Prepared:
    """What `dumps` gave, of a split.

    content: its JSON, read; columns: what `Columns.loads` made of the rest, None where there is none.

    Raises:
        ConfigError: it is something else.
    """
    from ablate.preprocessing.targets import Target

    saved: _Saved = typed(_Saved, content, "")
    own = saved.target
    target = Target(saved.task, tuple(own.labels), own.name, own.numbered, tuple(own.shift), tuple(own.scale))
    k = len(own.labels)
    if set(saved.rows) != {"train", "val", "test"}:
        raise refuse("rows", list(saved.rows), "must be those of train, val and test")
    if saved.task in ("binary", "multiclass") and (k < 2 or (k > 2) != (saved.task == "multiclass")):
        raise refuse("target.labels", own.labels, f"are {k}, which are none of task={saved.task}")
    if saved.task == "regression" and not len(own.shift) == len(own.scale) == k:
        raise refuse("target.scale", own.scale, f"must be {k} numbers, as there are labels")
    shape = tuple(saved.shape)
    if isinstance(saved.inputs, _Columns):
        if columns is None:
            raise ConfigError("its columns are missing")
        inputs: Inputs = columns
    else:
        inputs = _scaled(saved.inputs, shape)
    if saved.features != list(inputs.features):
        raise refuse("features", saved.features, "must be those that samples have")
    return Prepared(target, inputs, shape, saved.rows, tuple(saved.features))


def _scaled(saved: _Array, shape: tuple[int, ...]) -> Scaled:
    from ablate.preprocessing.inputs import Scaled

    shift, scale = _array("inputs.shift", saved.shift, shape), _array("inputs.scale", saved.scale, shape)
    if (scale == 0).any():
        raise refuse("inputs.scale", 0, "divides the samples")
    return Scaled(shift, scale)


def _numbers(array: np.ndarray) -> dict[str, Any]:
    return {"shape": list(array.shape), "values": array.astype(float).ravel().tolist()}


def _array(key: str, saved: _Numbers, shape: tuple[int, ...]) -> np.ndarray:
    """float64, [1] or one number a column or channel: [1, columns] or [1, channels, 1, …]."""
    import numpy as np

    if saved.shape not in ([1], [1, *shape[:1], *[1] * (len(shape) - 1)]) or len(saved.values) != math.prod(
        saved.shape
    ):
        raise refuse(f"{key}.shape", saved.shape, f"must be one number, or one a feature of samples {list(shape)}")
    return np.array(saved.values, dtype=np.float64).reshape(saved.shape)
