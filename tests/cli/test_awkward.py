"""Every awkward table trains, or is refused in one line; and nothing of it is used without being said."""

from __future__ import annotations

import re

import pytest
from awkward import TABLES

from ablate.preprocessing.columns import Columns
from ablate.preprocessing.splits import split
from ablate.utils.errors import ConfigError
from helpers import trained


@pytest.mark.parametrize("name", TABLES)
def test_an_awkward_table_trains_or_is_refused_in_one_line(configured, tmp_path, name):
    words = [*TABLES[name](tmp_path), "trainer.epochs=1", "model.hidden=[4]"]
    try:
        config = configured(*words)
        made = split(config.dataset, 0, config.task)
    except ConfigError as error:
        assert "\n" not in str(error) and re.match(r"[\w. ]+[:=]", str(error))
        return
    (row,) = trained([config])[0]
    assert row.ending.status == "finished"
    assert isinstance(made.inputs, Columns)
    said = "\n".join(made.said)
    assert all(column in said for column in made.inputs.kinds)
    assert len(made.inputs.features) == made.shape[0]
