"""Every awkward table is read, or refused in one line."""

from __future__ import annotations

import pytest
from awkward import TABLES

from ablate import data
from ablate.utils.errors import ConfigError


@pytest.mark.parametrize("name", TABLES)
def test_an_awkward_table_is_read_or_refused_in_one_line(configured, tmp_path, name):
    overrides = TABLES[name](tmp_path)
    try:
        source = data.source(configured(*overrides).dataset)
    except ConfigError as error:
        assert str(error).startswith("dataset") and "\n" not in str(error)
        return
    assert len(source.x) == len(source.y) > 0 and source.said and "\n" not in "".join(source.said)
    for column in source.x:
        kind = source.x[column].to_numpy().dtype.kind
        assert (kind in "ifbMO" and source.x[column].isna().sum() < len(source.x)) or kind == "f"
