"""A table of OpenML's, by its number or name; scikit-learn downloads it on first use."""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ablate.data import Source
from ablate.options.schema import Line, TableConfig
from ablate.utils.errors import one_line, refuse
from ablate.utils.text import cut

if TYPE_CHECKING:
    import pandas as pd


class Config(TableConfig):
    id: Annotated[int, Field(ge=1)] | None = Field(description="the number of the data set on openml.org")
    called: Line | None = Field(description="its name there, where no number is given")
    version: Annotated[int, Field(ge=1)] | None = Field(
        description="of those of this name; null: the oldest that is in use"
    )
    root: str = Field(description="the folder that holds the files; what is missing is downloaded into it")


def load(config: Config) -> Source:
    from ablate.data._frames import source_of

    if (config.id is None) == (config.called is None):
        raise refuse("dataset.id", config.id, "must be a number, or dataset.called a name: one of the two")
    if config.id is not None and config.version is not None:
        raise refuse("dataset.version", config.version, "is of a name; dataset.id tells the version too")
    frame, target = _read(config.id, config.called, config.version, str(Path(config.root).expanduser().absolute()))
    usual = target[0] if len(target) == 1 else target or None
    return source_of(frame, config if config.target else config.model_copy(update={"target": usual}))


@lru_cache(maxsize=2)
def _read(id: int | None, called: str | None, version: int | None, root: str) -> tuple[pd.DataFrame, list[str]]:
    """The data set's frame, and the names of its usual target columns."""
    from sklearn.datasets import fetch_openml

    named = {"data_id": id} if id is not None else {"name": called, "version": version or "active"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of versions, and of tries that failed
            found = fetch_openml(**named, data_home=root, as_frame=True, parser="pandas", n_retries=1, delay=0.1)
    except Exception as error:  # whatever it stumbles over: no network, no such data, a damaged file
        key, given = ("dataset.id", id) if id is not None else ("dataset.called", called)
        why = cut(one_line(error))
        allowed = f"is not in {root}/openml, or damaged there, and can't be had from openml.org ({why})"
        raise refuse(key, given, allowed) from None
    return found.frame, list(found.target_names)
